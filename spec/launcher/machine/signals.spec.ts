import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { StopSignals, withSignals } from '../../../lib/launcher/machine/signals.ts'

test('drains at the first signal, and ends at once at a second that comes a second later, not sooner', async (t) => {
  let now = 0
  const told: string[] = []
  const signals = new StopSignals({ now: () => now, onStop: (signal) => told.push(signal), environment: {} })
  t.after(() => signals.forget())
  const target = { stop: () => told.push('stop'), kill: () => told.push('kill') }
  await signals.during(target, async () => {
    signals.take('SIGTERM')
    now = 999
    signals.take('SIGTERM')
    assert.deepEqual(told, ['SIGTERM', 'stop'])
    now = 1000
    signals.take('SIGINT')
    assert.deepEqual(told, ['SIGTERM', 'stop', 'kill'])
  })
  assert.deepEqual([signals.stopped, signals.exitCode], ['SIGTERM', 143])
})

test('ends with the shell’s exit code where there was nothing to stop yet', async () => {
  for (const [signal, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const ended = await withSignals({ environment: {} }, async (signals) => {
      signals.take(signal)
      signals.throwIfStopped()
      return 0
    })
    assert.equal(ended, code)
  }
})

test('leaves no listener behind after a pause, nor after its end', async () => {
  const before = process.listenerCount('SIGTERM')
  const signals = new StopSignals({ environment: {} })
  for (let at = 0; at < 20; at++) await signals.pause(0)
  signals.take('SIGINT')
  await assert.rejects(signals.pause(60_000), /stopped by SIGINT/)
  signals.forget()
  assert.equal(process.listenerCount('SIGTERM'), before)
})

test('takes the end of its parent for a SIGTERM where npm started it', {
  skip: process.platform === 'win32' && 'there are no parents to lose',
}, async (t) => {
  const script = `
    import { StopSignals } from ${JSON.stringify(SIGNALS)}
    const signals = new StopSignals({ onStop: (signal) => console.log(signal) })
    await signals.during({ stop: () => process.exit(0), kill() {} }, () => new Promise((resolve) => {
      console.log('ready')
      setTimeout(resolve, 60_000)
    }))`
  const words = ['--input-type=module', '-e', script]
  // The shell stays, and is the parent; then it is killed, as npm and its shell are.
  const shell = spawn('/bin/sh', ['-c', '"$@"; exit', 'sh', process.execPath, ...words], {
    env: { ...process.env, npm_command: 'exec' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => shell.kill('SIGKILL'))
  let said = ''
  for await (const text of shell.stdout.setEncoding('utf8')) {
    said += text
    if (said === 'ready\n') shell.kill('SIGKILL')
  }
  assert.equal(said, 'ready\nSIGTERM\n')
})

const SIGNALS = new URL('../../../lib/launcher/machine/signals.js', import.meta.url).href
