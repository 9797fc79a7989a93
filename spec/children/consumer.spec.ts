import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConsumerProtocol } from '../../lib/children/command.ts'
import { Consumer } from '../../lib/children/consumer.ts'

test('moves the protocol to descriptors 3 and 4 and everything else to standard error', async (t) => {
  const consumer = run(
    t,
    'fds',
    `
    const fs = require('node:fs')
    console.log('to stdout')
    console.error('to stderr')
    const { KCL_SESSION_FDS, KCL_SESSION_PID } = process.env
    const stdin = fs.readFileSync(0, 'utf8')
    fs.writeSync(4, JSON.stringify([KCL_SESSION_FDS, KCL_SESSION_PID === String(process.pid), stdin]) + '\\n')
    new (require('node:net').Socket)({ fd: 3, readable: true, writable: false })
      .on('data', (data) => fs.writeSync(4, data))`,
  )
  consumer.process.send('hello')
  await consumer.line('hello')
  consumer.process.endInput()
  assert.deepEqual(await consumer.process.closed, { code: 0, signal: null })
  assert.deepEqual(consumer.lines, ['["3,4",true,""]', 'hello'])
  assert.deepEqual(consumer.process.lastWords, ['to stdout', 'to stderr'])
})

test('does not hand on the descriptors of a consumer around it', async (t) => {
  process.env.KCL_SESSION_FDS = '3,4'
  t.after(() => {
    delete process.env.KCL_SESSION_FDS
  })
  const consumer = run(t, 'stdio', `console.log(String(process.env.KCL_SESSION_FDS))`)
  await consumer.process.closed
  assert.deepEqual(consumer.lines, ['undefined'])
})

test('leaves stdin and stdout as they are for other consumers', async (t) => {
  const consumer = run(t, 'stdio', `process.stdin.pipe(process.stdout)`)
  consumer.process.send('{"action":"initialize"}')
  consumer.process.endInput()
  await consumer.process.closed
  assert.deepEqual(consumer.lines, ['{"action":"initialize"}'])
})

test('runs a consumer in a process group of its own, and ends all of it', async (t) => {
  const consumer = run(
    t,
    'stdio',
    `
    const { spawn } = require('node:child_process')
    const grandchild = spawn('sleep', ['600'], { stdio: 'inherit' })
    console.log(grandchild.pid)
    setInterval(() => {}, 1000)`,
  )
  const grandchild = Number(await consumer.line())
  consumer.process.kill('SIGKILL')
  // Both pipes close only when the grandchild, which inherited them, is gone too.
  assert.deepEqual(await consumer.process.closed, { code: null, signal: 'SIGKILL' })
  assert.ok(grandchild > 0)
})

test('keeps the last twenty lines of standard error', async (t) => {
  const consumer = run(t, 'stdio', `for (let n = 1; n <= 50; n += 1) console.error('line ' + n)`)
  await consumer.process.closed
  assert.equal(consumer.process.lastWords.length, 20)
  assert.equal(consumer.process.lastWords.at(-1), 'line 50')
})

test('tells when nobody reads the input any more', async (t) => {
  const consumer = run(
    t,
    'stdio',
    `
    require('node:fs').closeSync(0)
    console.log('closed')
    setTimeout(() => {}, 600_000)`,
  )
  await consumer.line('closed')
  consumer.process.send('hello')
  await consumer.inputClosed
})

test('reports a program that cannot be run as an exit', async (t) => {
  const seen: string[] = []
  const consumer = new Consumer({
    words: ['/nowhere/program'],
    protocol: 'stdio',
    onLine: () => {},
    onOutputEnd: () => {},
    onLog: (line) => seen.push(line),
    onInputClosed: () => {},
  })
  t.after(() => consumer.kill('SIGKILL'))
  assert.deepEqual(await consumer.closed, { code: 127, signal: null })
  assert.match(seen.join('\n'), /not found/)
})

function run(t: TestContext, protocol: ConsumerProtocol, script: string) {
  const lines: string[] = []
  const waiting: (() => void)[] = []
  let closed: () => void = () => {}
  const inputClosed = new Promise<void>((resolve) => {
    closed = resolve
  })
  const consumer = new Consumer({
    words: [process.execPath, '-e', script],
    protocol,
    onLine(line) {
      lines.push(line)
      for (const wake of waiting.splice(0)) wake()
    },
    onOutputEnd() {
      for (const wake of waiting.splice(0)) wake()
    },
    onLog() {},
    onInputClosed: () => closed(),
  })
  t.after(() => consumer.kill('SIGKILL'))
  const line = async (wanted?: string): Promise<string> => {
    for (;;) {
      const found = lines.find((one) => wanted === undefined || one === wanted)
      if (found !== undefined) return found
      await new Promise<void>((wake) => waiting.push(wake))
    }
  }
  return { process: consumer, lines, line, inputClosed }
}
