// Compressed input, told from its first bytes and unpacked on the way in: gzip everywhere, zstd where this Node can.
// Rule: what is not compressed passes through untouched, and nothing waits for more bytes than are needed to tell.

import { pipeline, Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { UsageError } from '../../errors.ts'

/** Whether these first bytes are those of something that `unpacked` unpacks. */
export function isPacked(head: Buffer): boolean {
  return PACKINGS.some(({ magic }) => head.subarray(0, magic.length).equals(magic))
}

/** The same bytes, unpacked if they were compressed. `name` is for the `UsageError` where that cannot be done. */
export async function* unpacked(
  pieces: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  const iterator = pieces[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (mayBePacked(head)) {
    const { done, value } = await iterator.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const whole = rejoin(head, iterator)
  const packing = PACKINGS.find(({ magic }) => head.subarray(0, magic.length).equals(magic))
  if (packing === undefined) {
    yield* whole
    return
  }
  const unpacker = packing.unpacker()
  if (unpacker === null) {
    throw new UsageError(
      `${name} is compressed with ${packing.name}, which Node ${process.versions.node} cannot read. Unpack it first (${packing.command}), or use a newer Node.`,
    )
  }
  yield* pipeline(Readable.from(whole), unpacker, () => {})
}

/** What was read ahead, and then the rest. */
export async function* rejoin(
  head: Buffer,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

// Where a line comes in pieces of a byte or two, the next piece may be long in coming.
function mayBePacked(head: Buffer): boolean {
  return PACKINGS.some(
    ({ magic }) => head.length < magic.length && magic.subarray(0, head.length).equals(head),
  )
}

interface Packing {
  readonly name: string
  readonly magic: Buffer
  readonly command: string
  /** Null where this Node has none. */
  unpacker(): Transform | null
}

const PACKINGS: readonly Packing[] = [
  {
    name: 'gzip',
    magic: Buffer.from([0x1f, 0x8b]),
    command: 'gzip -dc',
    unpacker: () => zlib.createGunzip(),
  },
  {
    name: 'zstd',
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    command: 'zstd -dc',
    // From Node 22.15 on.
    unpacker: () => (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress?.() ?? null,
  },
]
