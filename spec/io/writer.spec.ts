// What was written is out, or we were told once that it is not; nothing here ends the process.

import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { LineWriter } from '../../lib/io/writer.ts'
import { runChild, startChild } from './child.ts'

describe('LineWriter', () => {
  it('writes each text at once and as UTF-8, whatever the default encoding of the stream', () => {
    const output = new PassThrough().setDefaultEncoding('latin1') as PassThrough
    const writer = new LineWriter(output, assert.fail)
    writer.write('\n{"key":"é"}\n')
    assert.equal(String(output.read()), '\n{"key":"é"}\n')
  })

  it('says when everything is out, and at once when there is nothing', async () => {
    const { output, release } = slowOutput()
    const writer = new LineWriter(output, assert.fail)
    await writer.flushed()
    writer.write('one')
    writer.write('two')
    let out = false
    const flushed = writer.flushed().then(() => {
      out = true
    })
    await new Promise(setImmediate)
    assert.equal(out, false)
    release()
    await new Promise(setImmediate)
    release()
    await flushed
  })

  it('reports an error once, writes nothing after it, and does not keep anybody waiting', async () => {
    const errors: Error[] = []
    const texts: string[] = []
    const broken = new Error('write EPIPE')
    const output = new Writable({
      write(text, _encoding, done) {
        texts.push(String(text))
        setImmediate(done, broken)
      },
    })
    const writer = new LineWriter(output, (error) => errors.push(error))
    writer.write('one')
    writer.write('two')
    await writer.flushed()
    writer.write('three')
    await writer.flushed()
    await new Promise(setImmediate)
    assert.deepEqual({ errors, texts }, { errors: [broken], texts: ['one'] })
  })

  it('reports a stream that is destroyed under it, also when a write never comes back', async () => {
    const errors: Error[] = []
    const { output } = slowOutput()
    const writer = new LineWriter(output, (error) => errors.push(error))
    writer.write('one')
    const flushed = writer.flushed()
    output.destroy()
    await flushed
    assert.equal(errors.length, 1)
    assert.match(String(errors), /closed before everything was written/)
  })

  it('says what is out and what may not be: each text when it is written, and at an error whether one was on its way', async () => {
    const seen: unknown[] = []
    const output = new Writable({
      write: (text, _encoding, done) =>
        void setImmediate(done, String(text) === 'one' ? null : new Error('EPIPE')),
    })
    const writer = new LineWriter(output, (_error, unwritten) => seen.push(unwritten))
    writer.write('one', () => seen.push('one'))
    await writer.flushed()
    writer.write('two', () => seen.push('two'))
    await writer.flushed()
    assert.deepEqual(seen, ['one', true])

    const closed: unknown[] = []
    const idle = new PassThrough()
    new LineWriter(idle, (_error, unwritten) => closed.push(unwritten)).write('one')
    idle.read()
    await new Promise((resolve) => idle.once('close', resolve).destroy())
    assert.deepEqual(closed, [false])
  })

  it('takes an ended stream that closes for no error', async () => {
    const output = new PassThrough().resume() as PassThrough
    const writer = new LineWriter(output, assert.fail)
    writer.write('one')
    output.end()
    await new Promise((resolve) => output.once('close', resolve))
    writer.write('two')
    await writer.flushed()
  })

  it('survives an error that comes after it has let go, and reports nothing', async () => {
    const output = new Writable({
      write: (_text, _encoding, done) => void setImmediate(done, new Error('EPIPE')),
    })
    const closed = new Promise((resolve) => output.once('close', resolve))
    const writer = new LineWriter(output, assert.fail)
    writer.write('one')
    writer.stop()
    await writer.flushed()
    await closed
  })

  it('leaves no listener behind', async () => {
    const output = new PassThrough()
    const events = output.eventNames()
    const writer = new LineWriter(output, assert.fail)
    writer.write('one')
    writer.stop()
    writer.write('two')
    await writer.flushed()
    assert.deepEqual(output.eventNames(), events)
    assert.equal(String(output.read()), 'one')
  })
})

for (const descriptors of [false, true]) {
  const where = descriptors ? 'descriptor 4' : 'stdout'
  describe(`the process's own output, ${where}`, { timeout: 60_000 }, () => {
    it('has everything that was written before process.exit()', async (t) => {
      const { stdout, code } = await runChild(t, 'write-and-exit', { descriptors })
      assert.deepEqual([stdout, code], ['\n{"action":"status"}\n'.repeat(100), 3])
    })

    it('reports a reader that is gone once, and the process goes on', async (t) => {
      const { child, ended } = startChild(t, 'broken-pipe', { descriptors })
      child.stdout.destroy()
      child.stdin.end('go\n')
      const { stderr, code } = await ended
      assert.deepEqual([stderr, code], ['error: EPIPE\n', 0])
    })

    it('waits for a slow reader without losing or reordering anything', async (t) => {
      const { child, ended } = startChild(t, 'fill-pipe', { descriptors })
      child.stdout.pause()
      // With descriptor 4 the child can say nothing between the first write and the last.
      const word = descriptors ? 'writing' : 'waiting'
      await new Promise<void>((resolve) => {
        child.stderr.on('data', (text: string) => text.includes(word) && resolve())
      })
      child.stdout.resume()
      const { stdout, code } = await ended
      const lines = stdout.trim().split('\n')
      assert.equal(code, 0)
      assert.ok(lines.length === 2000 && lines.every((line, index) => line === `${index}`.padEnd(999, '.')))
    })
  })
}

function slowOutput(): { output: Writable; release(): void } {
  let release = (): void => {}
  const output = new Writable({
    write(_text, _encoding, done) {
      release = done
    },
  })
  return { output, release: () => release() }
}
