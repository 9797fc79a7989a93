// Personal data, taken out of records before they are written down. Rule: what cannot be looked into is left out whole.

import type { DeliveredRecord } from '../conversation/messages.ts'
import { ELIDED } from '../conversation/transcript.ts'
import { md5 } from '../stream/md5.ts'

/** What is not to be written down. */
export interface Secrets {
  /** Whether data are left out altogether. */
  readonly elideData: boolean
  /** Fields of JSON data, at any depth, whose values are not written. */
  readonly redact: readonly string[]
}

/** The record as it may be written. A key that is a value taken out becomes its MD5: equal keys stay equal. */
export function redacted(record: DeliveredRecord, { elideData, redact }: Secrets): DeliveredRecord {
  if (redact.length === 0) return elideData ? { ...record, data: ELIDED } : record
  const taken = new Set<string>()
  const data = withoutFields(record.data, new Set(redact), taken)
  const partitionKey = taken.has(record.partitionKey) ? md5(record.partitionKey) : record.partitionKey
  return { ...record, data: elideData ? ELIDED : data, partitionKey }
}

function withoutFields(data: string | null, fields: ReadonlySet<string>, taken: Set<string>): string | null {
  if (data === null) return null
  try {
    const value: unknown = JSON.parse(
      Buffer.from(data, 'base64').toString('utf8'),
      (name, inner: unknown) => {
        if (!fields.has(name)) return inner
        taken.add(String(inner))
        return TAKEN
      },
    )
    return Buffer.from(JSON.stringify(value)).toString('base64')
  } catch {
    return ELIDED
  }
}

const TAKEN = 'redacted'
