import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { Output } from '../../lib/io/output.ts'

// A reader that takes one piece when it is told to.
class SlowReader extends Writable {
  readonly taken: string[] = []
  #next: (() => void) | undefined

  constructor() {
    super({ highWaterMark: 10 })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString())
    this.#next = done
  }

  take(): void {
    this.#next?.()
  }
}

test('tells whoever writes to wait while nobody reads, and to go on after that', async () => {
  const reader = new SlowReader()
  const output = new Output(reader)
  assert.equal(output.ready, undefined)
  output.write('a line of text\n')
  const ready = output.ready
  assert.ok(ready !== undefined)
  reader.take()
  await ready
  assert.equal(output.ready, undefined)
})

test('keeps a megabyte of what nobody reads, and says how much was left out', async () => {
  const reader = new SlowReader()
  const output = new Output(reader)
  const line = `${'x'.repeat(99_999)}\n`
  for (let at = 0; at < 20; at++) output.write(line)
  assert.ok(reader.writableLength < 1_300_000)
  assert.equal(await output.flush(1), false)
  const flushed = output.flush(60_000)
  let done = false
  void flushed.then(() => {
    done = true
  })
  while (!done) {
    reader.take()
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(await flushed, true)
  output.write('the end\n')
  assert.match(reader.taken.join(''), /\(\d+ lines were left out: nobody read them\.\)\nthe end\n$/)
})

test('goes on in silence when the reader has gone', async () => {
  const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) }))
  output.write('one')
  const ready = output.ready
  await new Promise((resolve) => setImmediate(resolve))
  await ready
  output.write('two')
  assert.equal(output.ready, undefined)
  assert.equal(await output.flush(0), true)
})
