// A channel ends when the process does and the other way round, whatever is under way on it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { UsageError } from '../../lib/errors.ts'
import { openChannel } from '../../lib/io/channel.ts'
import { runChild, startChild } from './child.ts'

const limit = { timeout: 60_000 }

describe('openChannel with streams of the user', limit, () => {
  it('hands them out as they are', () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const channel = openChannel({ input, output })
    assert.deepEqual([channel.input === input, channel.output === output, channel.own], [true, true, false])
    channel.release()
    assert.deepEqual([input.destroyed, output.writableEnded], [false, false])
  })

  it('ends the output when told to, more than once, and survives a reader that is gone', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const channel = openChannel({ input, output })
    channel.closeOutput()
    channel.closeOutput()
    await once(output.resume(), 'end')
    channel.release()

    const broken = new Writable({ final: (done) => done(new Error('write EPIPE')) })
    openChannel({ input, output: broken }).closeOutput()
    await new Promise((resolve) => broken.once('close', resolve))
  })

  it('wants both of them, and two that are what they should be and still open', () => {
    const stream = new PassThrough()
    const text = 'text' as unknown as PassThrough
    assert.throws(() => openChannel({ input: stream }), usage(/output is missing/))
    assert.throws(() => openChannel({ output: stream }), usage(/input is missing/))
    assert.throws(() => openChannel({ input: text, output: stream }), usage(/input is not a readable stream/))
    assert.throws(
      () => openChannel({ input: stream, output: text }),
      usage(/output is not a writable stream/),
    )
    const writable = new Writable() as unknown as PassThrough
    assert.throws(() => openChannel({ input: writable, output: stream }), usage(/input is not a readable/))
    const gone = new PassThrough().destroy()
    assert.throws(() => openChannel({ input: gone, output: stream }), usage(/nothing can be read from input/))
    assert.throws(
      () => openChannel({ input: stream, output: gone }),
      usage(/nothing can be written to output/),
    )
  })
})

for (const descriptors of [false, true]) {
  const where = descriptors ? 'descriptors 3 and 4' : 'stdin and stdout'
  describe(`openChannel on ${where}`, limit, () => {
    for (const [way, expected] of Object.entries({
      exit: { code: 5, text: /^$/ },
      throw: { code: 1, text: /thrown on purpose/ },
      reject: { code: 1, text: /rejected on purpose/ },
    })) {
      it(`lets the process end in the middle of the input: ${way}`, async (t) => {
        const { child, ended } = startChild(t, 'mid-read', { descriptors, args: [way] })
        child.stdin.write('a line\nand half of')
        const { code, stderr } = await ended
        assert.equal(code, expected.code)
        assert.match(stderr, expected.text)
      })
    }

    for (const [state, text] of [
      ['unread', 'a line\nand half of'],
      ['unref', 'a line\nand half of'],
      ['release', 'a line\nand half of'],
      ['release', 'a line\n'],
    ] as const) {
      it(`does not keep the process alive: ${state} after ${JSON.stringify(text)}`, async (t) => {
        const { child, ended } = startChild(t, 'idle', { descriptors, args: [state] })
        child.stdin.write(text)
        assert.deepEqual(await ended, { stdout: '', stderr: '', code: 0, signal: null })
      })
    }

    it('keeps the process alive while it is read, up to the end of the input', async (t) => {
      const { child, ended } = startChild(t, 'echo', { descriptors })
      child.stdin.write('one\n')
      await once(child.stdout, 'data')
      child.stdin.end('two\nhalf')
      assert.deepEqual(await ended, { stdout: 'one\ntwo\nend\n', stderr: '', code: 0, signal: null })
    })

    it('gives lines of many pieces, and many lines of one piece, as they were sent', async (t) => {
      const lines = Array.from(
        { length: 3000 },
        (_, n) => `${n} é${'x'.repeat(n % 500 === 0 ? 200_000 : n % 90)}`,
      )
      const input = lines.map((line) => `${line}\n`).join('')
      const { stdout, code } = await runChild(t, 'echo', { descriptors, input })
      assert.ok(stdout === `${input}end\n`, `${stdout.length} characters of ${input.length}`)
      assert.equal(code, 0)
    })

    it('can be opened again after it was given back, and loses nothing in between', async (t) => {
      const lines = ['one', 'two', 'drei', 'vierté'].map((line) => `${line}\n`).join('')
      const { stdout, stderr, code } = await runChild(t, 'echo', {
        descriptors,
        args: ['again'],
        input: lines,
      })
      assert.deepEqual({ stdout, stderr, code }, { stdout: `${lines}end\n`, stderr: '', code: 0 })
    })

    it('shows its reader the end when the output is closed, while the process goes on', async (t) => {
      const { child, ended } = startChild(t, 'close-output', { descriptors })
      await once(child.stdout, 'end')
      child.stdin.end()
      const { stdout, stderr, code } = await ended
      assert.deepEqual([stdout, code], ['last\n', 0])
      const printed = descriptors ? 'printed\n' : ''
      assert.equal(stderr, `${printed}file: "", standard: false\nend\n`)
    })
  })
}

describe('openChannel where no daemon speaks', limit, () => {
  it('refuses a terminal and names kcl-session dev', async (t) => {
    const { stderr } = await runChild(t, 'open', { args: ['terminal'] })
    assert.match(stderr, /^KCL_USAGE: .*stdin is a terminal.*npx kcl-session dev/)
  })

  it("refuses another process's descriptors and says how to start this one", async (t) => {
    for (const env of [{ KCL_SESSION_FDS: '3,4', KCL_SESSION_PID: '1' }, { KCL_SESSION_FDS: '3,4' }]) {
      const { stderr } = await runChild(t, 'open', { env })
      assert.match(stderr, /^KCL_USAGE: .*node --import tsx consumer\.ts.*--protocol=stdio/)
    }
  })

  it('refuses descriptors that are not numbers, not open, or no pipes', async (t) => {
    const text = await runChild(t, 'open', { env: { KCL_SESSION_FDS: '3' } })
    assert.match(text.stderr, /^KCL_USAGE: KCL_SESSION_FDS: "3" is not a pair of descriptors/)
    const closed = await runChild(t, 'open', { descriptors: true, args: ['99,4'] })
    assert.match(closed.stderr, /^KCL_USAGE: KCL_SESSION_FDS: descriptor 99 is not open/)
    const file = await runChild(t, 'open', { descriptors: true, args: ['0,4'] })
    assert.match(file.stderr, /^KCL_USAGE: KCL_SESSION_FDS: descriptor 0 is not a pipe/)
  })

  it('refuses a worker thread', async (t) => {
    const channel = new URL('../../lib/io/channel.js', import.meta.url)
    const worker = new Worker(
      `import(${JSON.stringify(channel.href)}).then(({ openChannel }) => openChannel({}))
        .catch((error) => require('node:worker_threads').parentPort.postMessage(error.message))`,
      { eval: true },
    )
    t.after(() => worker.terminate())
    const [message] = await once(worker, 'message')
    assert.match(message, /belong to its main thread/)
  })

  it('leaves no trace of the descriptors to what the process spawns', async (t) => {
    const { stderr } = await runChild(t, 'open', { descriptors: true })
    assert.deepEqual(JSON.parse(stderr), { own: true, variables: [] })
  })
})

function usage(text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && text.test(error.message)
}
