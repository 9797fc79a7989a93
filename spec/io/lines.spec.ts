// Whatever the pieces it comes in, the text of a line is the text that was sent.

import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineReader } from '../../lib/io/lines.ts'
import { collectGarbage } from '../helpers/garbage.ts'
import { runChild } from './child.ts'

describe('LineReader', { timeout: 120_000 }, () => {
  it('gives the lines of any text, whole, in random pieces of bytes, with \\n and with \\r\\n', async () => {
    await fc.assert(
      fc.asyncProperty(text(), cuts(), async ({ sent, lines }, cut) => {
        assert.deepEqual(await read(bytesIn(split(Buffer.from(sent), cut))), { lines, error: null })
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same lines from a stream that has an encoding', async () => {
    const encodings = fc.constantFrom<BufferEncoding[]>('utf8', 'latin1', 'hex', 'base64')
    await fc.assert(
      fc.asyncProperty(text(), cuts(), encodings, async ({ sent, lines }, cut, encoding) => {
        const input = bytesIn(split(Buffer.from(sent), cut)).setEncoding(encoding)
        assert.deepEqual(await read(input), { lines, error: null })
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same lines from a stream of strings, even those cut inside a surrogate pair', async () => {
    await fc.assert(
      fc.asyncProperty(text(), cuts(), async ({ sent, lines }, cut) => {
        const pieces: string[] = []
        let from = 0
        for (const size of cut) {
          pieces.push(sent.slice(from, from + size))
          from += size
        }
        const input = Readable.from([...pieces, sent.slice(from)].filter((piece) => piece !== ''))
        assert.deepEqual(await read(input), { lines, error: null })
      }),
      { numRuns: 300 },
    )
  })

  it('does not split a line at U+2028, U+2029 or U+0085', async () => {
    const line = '{"partitionKey":"a\u2028b\u2029c\u0085d"}'
    assert.deepEqual(await read(bytesIn([Buffer.from(`${line}\n`)])), { lines: [line], error: null })
  })

  it('takes a carriage return inside a line for a part of it', async () => {
    const { lines } = await read(
      bytesIn([Buffer.from('a\rb\n\r\r\nc\r'), Buffer.from('\n\r'), Buffer.from('\n')]),
    )
    assert.deepEqual(lines, ['a\rb', '\r', 'c', ''])
  })

  it('reads non-ASCII text byte by byte', async () => {
    const line = 'Zürich 東京 🚀 \u2028 end'
    const bytes = Buffer.from(`\n${line}\r\n\n${line}\n`)
    const pieces = [...bytes].map((byte) => Buffer.of(byte))
    assert.deepEqual((await read(bytesIn(pieces))).lines, ['', line, '', line])
  })

  it('reads lines of 14 MB, of ASCII and not, in pieces of 64 KiB', async () => {
    const ascii = 'x'.repeat(14 << 20)
    const other = `${ascii}é\u2028🚀`
    const bytes = Buffer.from(`${ascii}\n${other}\n${ascii}\n`)
    const { lines } = await read(bytesIn(inPieces(bytes)))
    // Not deepEqual: its report of a difference would be as long.
    assert.deepEqual(
      lines.map((line) => line.length),
      [ascii.length, other.length, ascii.length],
    )
    assert.ok(lines[0] === ascii && lines[1] === other && lines[2] === ascii)
  })

  it('reads long lines and short ones by turns', async () => {
    const lines = Array.from({ length: 80 }, (_, n) => `${n}${'x'.repeat(n % 20 === 0 ? 200_000 : n)}`)
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    assert.deepEqual((await read(bytesIn(inPieces(bytes)))).lines, lines)
  })

  it('gives the memory of a long line back once the lines after it are short', {
    timeout: 20_000,
  }, async () => {
    const input = new PassThrough()
    let lines = 0
    const reader = new LineReader(input, { line: () => (lines += 1), end() {} })
    reader.start()
    const piece = Buffer.alloc(65_536, 'x')
    const before = memoryInBuffers()
    for (let count = 0; count < 1024; count += 1) input.write(piece)
    input.write('\n')
    for (let line = 0; line < 40; line += 1) input.write('short\n')
    while (lines < 41) await new Promise(setImmediate)
    // The collector gives memory back in its own time.
    while (memoryInBuffers() - before > 16 << 20) await new Promise(setImmediate)
    reader.stop()
  })

  it('takes half a line at the end for no line', async () => {
    assert.deepEqual(await read(bytesIn([Buffer.from('one\ntw')])), { lines: ['one'], error: null })
  })

  it('reports the end after the lines before it, when both come at once', async () => {
    const input = new PassThrough()
    const reading = read(input)
    input.end('one\ntwo\n')
    assert.deepEqual(await reading, { lines: ['one', 'two'], error: null })
  })

  it('reports an error of the stream as the end, once', async () => {
    const broken = new Error('read EIO')
    const input = new PassThrough()
    const reading = read(input)
    input.write('one\n', () => setImmediate(() => input.destroy(broken)))
    assert.deepEqual(await reading, { lines: ['one'], error: broken })
  })

  it('reports a stream that is closed before its end', async () => {
    const input = new PassThrough()
    const reading = read(input)
    input.destroy()
    assert.match(String((await reading).error), /closed before its end/)
  })

  it('reports a stream that has ended, broke or was closed before the start', async () => {
    const ended = bytesIn([])
    await new Promise((resolve) => ended.once('end', resolve).resume())
    assert.deepEqual(await read(ended), { lines: [], error: null })

    const broken = new Error('read EIO')
    assert.deepEqual(await read(new PassThrough().destroy(broken)), { lines: [], error: broken })

    const closed = new PassThrough()
    await new Promise((resolve) => closed.once('close', resolve).destroy())
    assert.match(String((await read(closed)).error), /closed before its end/)
  })

  it('reports a stream of objects as broken', async () => {
    const { error } = await read(Readable.from([{ action: 'initialize' }]))
    assert.match(String(error), /neither bytes nor text/)
  })

  it('touches nothing before the start', async () => {
    const input = new PassThrough()
    const reader = new LineReader(input, { line() {}, end() {} })
    input.write('one\n')
    await new Promise(setImmediate)
    assert.equal(input.readableLength, 4)
    assert.equal(input.readableFlowing, null)
    reader.stop()
    assert.equal(input.readableFlowing, null)
  })

  it('reads a stream that somebody had paused', async () => {
    const input = new PassThrough().pause()
    const reading = read(input)
    input.end('one\n')
    assert.deepEqual((await reading).lines, ['one'])
  })

  for (const encoding of [null, 'utf8', 'latin1', 'hex'] as const) {
    it(`stops between two lines and leaves the rest in the stream, encoding ${encoding}`, async () => {
      const input = new PassThrough()
      if (encoding) input.setEncoding(encoding)
      const lines: string[] = []
      const first = new LineReader(input, {
        line(bytes, from, to) {
          const line = bytes.toString('utf8', from, to)
          lines.push(line)
          if (line === 'zwö') first.stop()
        },
        end: () => assert.fail('no end after stop()'),
      })
      first.start()
      input.write('eins\nzwö\r\ndreı\r\nvi')
      await new Promise(setImmediate)
      assert.deepEqual(lines, ['eins', 'zwö'])
      assert.ok(input.isPaused())
      assert.deepEqual(
        ['data', 'end', 'error'].map((event) => input.listenerCount(event)),
        [0, 0, 0],
      )
      input.end('er\n')
      assert.deepEqual(await read(input), { lines: ['dreı', 'vier'], error: null })
    })
  }

  it('leaves a half line in the stream when stopped from outside, and may be stopped again', async () => {
    const input = new PassThrough()
    const reader = new LineReader(input, { line() {}, end: () => assert.fail('no end after stop()') })
    reader.start()
    input.write('one\ntw')
    await new Promise(setImmediate)
    reader.stop()
    reader.stop()
    input.end('o\n')
    assert.deepEqual(await read(input), { lines: ['two'], error: null })
  })

  it('keeps the order, and enters no handler twice, when a handler adds to the stream', async () => {
    const input = new Readable({ read() {} })
    const lines: string[] = []
    let inside = 0
    const ended = new Promise<void>((resolve) => {
      const reader = new LineReader(input, {
        line(bytes, from, to) {
          const line = bytes.toString('utf8', from, to)
          assert.equal(inside++, 0)
          lines.push(line)
          // A flowing stream hands on at once what is pushed.
          if (line === 'one') input.push('three\n')
          if (line === 'three') input.push('four\n')
          if (line === 'four') input.push(null)
          inside--
        },
        end: () => resolve(),
      })
      reader.start()
    })
    await new Promise(setImmediate)
    input.push('one\ntwo\n')
    await ended
    assert.deepEqual(lines, ['one', 'two', 'three', 'four'])
  })

  for (const descriptors of [false, true]) {
    const where = descriptors ? 'descriptors 3 and 4' : 'stdin and stdout'
    it(`lets the error of a handler surface, and goes on behind it if the process does, on ${where}`, async (t) => {
      const numbers = Array.from({ length: 40_000 }, (_, number) => `number ${number}`)
      const input = ['one', 'two', ...numbers].map((line) => `${line}\n`).join('')
      const { stderr, code } = await runChild(t, 'throwing-handler', { descriptors, input })
      const lines = stderr.trim().split('\n')
      const expected = ['one', 'uncaught: two', ...numbers, 'end']
      const wrong = lines.findIndex((line, index) => line !== expected[index])
      assert.deepEqual([wrong, lines.length, code], [-1, expected.length, 0], lines[wrong])
    })
  }
})

function memoryInBuffers(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

function read(input: Readable): Promise<{ lines: string[]; error: Error | null }> {
  const lines: string[] = []
  return new Promise((resolve, reject) => {
    let ended = false
    const reader = new LineReader(input, {
      line: (bytes, from, to) => lines.push(bytes.toString('utf8', from, to)),
      end(error) {
        if (ended) reject(new Error('a second end'))
        ended = true
        // A turn later, so that a second end or a line after it would be seen.
        setImmediate(() => resolve({ lines, error }))
      },
    })
    reader.start()
  })
}

function bytesIn(pieces: Buffer[]): Readable {
  const left = pieces.filter((piece) => piece.length > 0)
  return new Readable({
    read() {
      this.push(left.shift() ?? null)
    },
  })
}

function split(bytes: Buffer, sizes: number[]): Buffer[] {
  let from = 0
  const pieces = sizes.map((size) => {
    from += size
    return bytes.subarray(from - size, from)
  })
  return [...pieces, bytes.subarray(from)]
}

// As a pipe hands them out.
function inPieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let from = 0; from < bytes.length; from += 65_536) pieces.push(bytes.subarray(from, from + 65_536))
  return pieces
}

function text(): fc.Arbitrary<{ sent: string; lines: string[] }> {
  const letters = fc.string({
    unit: fc.constantFrom('a', 'é', '\u2028', '\u2029', '\u0085', '東', '🚀', '"', '\0', '\ra'),
  })
  const line = fc.oneof(
    letters,
    fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\n', '').replace(/\r+$/, '')),
  )
  const ended = fc.record({ line, end: fc.constantFrom('\n', '\r\n') })
  return fc.record({ whole: fc.array(ended, { maxLength: 12 }), half: letters }).map(({ whole, half }) => ({
    sent: whole.map((one) => one.line + one.end).join('') + half,
    lines: whole.map((one) => one.line),
  }))
}

function cuts(): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 })
}
