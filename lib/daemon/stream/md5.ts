// MD5, by which Kinesis deals records out to shards. Asked for every record, so in one call where Node has it.

import crypto from 'node:crypto'

/** The MD5 of bytes, or of a text in UTF-8, in 32 hex digits. */
export const md5: (data: Buffer | string) => string =
  // From Node 20.12 on.
  typeof crypto.hash === 'function'
    ? (data) => crypto.hash('md5', data)
    : (data) => crypto.createHash('md5').update(data).digest('hex')
