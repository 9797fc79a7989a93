// Lines per reader: ours against a plain readline on the same 64 KiB pieces. Prints the best of several rounds
// and the ratio, which is the figure to keep: `node dist/spec/bench/lines.bench.js`.

import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { LineReader } from '../../lib/io/lines.ts'

const BYTES = 64 << 20
const ROUNDS = 7

for (const [title, line] of [
  ['150 bytes', 'x'.repeat(149)],
  ['20 kB', 'x'.repeat(19_999)],
  ['20 kB, not ASCII', `${'x'.repeat(19_997)}é`],
  ['14 MB', 'x'.repeat((14 << 20) - 1)],
] as const) {
  const pieces = inPieces(Buffer.from(`${line}\n`.repeat(Math.ceil(BYTES / line.length))))
  const best = { plain: Number.POSITIVE_INFINITY, ours: Number.POSITIVE_INFINITY }
  for (let round = 0; round < ROUNDS; round++) {
    best.plain = Math.min(best.plain, await time((done) => plain(source(pieces), done)))
    best.ours = Math.min(best.ours, await time((done) => ours(source(pieces), done)))
  }
  const rate = (milliseconds: number): string => `${Math.round(BYTES / milliseconds / 1000)} MB/s`
  console.log(
    `${title}: plain ${rate(best.plain)}, ours ${rate(best.ours)}, ratio ${(best.plain / best.ours).toFixed(2)}`,
  )
}

// Looks at the text, as JSON.parse would: a line that nobody looks at is not even put together.
function look(line: string): number {
  return line.charCodeAt(line.length >> 1)
}

function plain(input: Readable, done: () => void): void {
  createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', look).on('close', done)
}

function ours(input: Readable, done: () => void): void {
  const reader = new LineReader(input, { line: look, end: done })
  reader.start()
}

async function time(run: (done: () => void) => void): Promise<number> {
  const start = performance.now()
  await new Promise<void>(run)
  return performance.now() - start
}

function source(pieces: Buffer[]): Readable {
  let next = 0
  return new Readable({
    read() {
      this.push(pieces[next++] ?? null)
    },
  })
}

function inPieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let from = 0; from < bytes.length; from += 65_536) pieces.push(bytes.subarray(from, from + 65_536))
  return pieces
}
