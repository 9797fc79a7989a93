// One file out of a jar, which is a zip.

import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

export function readFromZip(archive: string, name: string): Buffer {
  const zip = readFileSync(archive)
  let entry = zip.readUInt32LE(zip.lastIndexOf(Buffer.from('PK\x05\x06')) + 16)
  while (zip.readUInt32LE(entry) === 0x02014b50) {
    const [nameLength, extra, comment] = [28, 30, 32].map((at) => zip.readUInt16LE(entry + at)) as [
      number,
      number,
      number,
    ]
    if (zip.toString('utf8', entry + 46, entry + 46 + nameLength) === name) {
      const local = zip.readUInt32LE(entry + 42)
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const bytes = zip.subarray(start, start + zip.readUInt32LE(entry + 20))
      return zip.readUInt16LE(entry + 10) === 0 ? bytes : inflateRawSync(bytes)
    }
    entry += 46 + nameLength + extra + comment
  }
  throw new Error(`${archive} has no ${name}`)
}
