// Every event is one readable line on stderr, and no logger can break the session.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../../lib/errors.ts'
import { openLogger } from '../../lib/io/log.ts'
import type { Logger } from '../../lib/io/logger.ts'
import { runChild } from './child.ts'

const limit = { timeout: 60_000 }

describe('openLogger', limit, () => {
  it('writes one line of JSON per event to stderr, with its shard, from info up', async (t) => {
    const { stdout, stderr } = await runChild(t, 'logging')
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map(({ level, message, shardId }) => [level, message, shardId]),
      [
        ['info', 'opened', null],
        ['warn', 'refused\u2028twice', 'shardId-000000000007'],
        ['error', 'circle', 'shardId-000000000007'],
        ['error', 'trap', 'shardId-000000000007'],
      ],
    )
    for (const { time } of events) assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.equal(stdout, '[false,true]\n', 'tslog is loaded with the first event, and not before')
  })

  it('tells everything about an error: its code, fields, stack and causes', async (t) => {
    const { stderr } = await runChild(t, 'logging')
    const { count, after, error } = JSON.parse(stderr.split('\n')[1] ?? '')
    assert.deepEqual([count, after], ['10', 'PT90S'])
    assert.match(error.stack, /CheckpointError: busy\n +at /)
    assert.match(error.cause.errors[0].stack, /Error: first\n/)
    const { stack: _stack, cause, ...rest } = error
    assert.deepEqual(rest, {
      name: 'CheckpointError',
      message: 'busy',
      code: 'KCL_CHECKPOINT',
      exception: 'ThrottlingException',
      retryable: true,
      position: null,
    })
    assert.equal(cause.message, 'both failed')
  })

  it('writes for people where stderr is a terminal', async (t) => {
    const { stdout, stderr } = await runChild(t, 'logging', { args: ['terminal'], env: { NO_COLOR: '1' } })
    assert.match(stderr, /^\d{4}-\d\d-\d\d [\d:.]+ INFO opened\n/)
    assert.match(
      stderr,
      /WARN refused\u2028twice \(shardId-000000000007\) \{\n {2}count: 10n,\n {2}after: Seconds {},\n {2}error: Check/,
    )
    assert.match(stderr, /code: 'KCL_CHECKPOINT'/)
    assert.match(stderr, /ERROR trap/)
    assert.equal(stdout, '[false,true]\n')
  })

  it('takes its level from KCL_SESSION_LOG_LEVEL', async (t) => {
    const counts: Record<string, number> = { debug: 5, warn: 3, ERROR: 2, silent: 0, '': 4 }
    for (const [level, count] of Object.entries(counts)) {
      const { stderr } = await runChild(t, 'logging', { env: { KCL_SESSION_LOG_LEVEL: level } })
      assert.equal(stderr.split('\n').length - 1, count, level)
    }
    const { stderr, code } = await runChild(t, 'logging', { env: { KCL_SESSION_LOG_LEVEL: 'loud' } })
    assert.match(
      stderr,
      /KCL_SESSION_LOG_LEVEL: "loud" is not a level\. Use debug, info, warn, error or silent/,
    )
    assert.equal(code, 1)
  })

  it("hands every event to the user's logger, with the shard in its details", () => {
    const events: unknown[] = []
    const logger = openLogger(recorder(events), () => 'shardId-1')
    logger.debug('one')
    logger.error('two', { attempt: 2 })
    assert.deepEqual(events, [
      ['debug', 'one', { shardId: 'shardId-1' }],
      ['error', 'two', { shardId: 'shardId-1', attempt: 2 }],
    ])
  })

  it('says nothing when told to', async (t) => {
    const { stderr } = await runChild(t, 'users-logger', { args: ['false'] })
    assert.equal(stderr, '')
  })

  it('goes on when a logger throws or rejects, and says so once', async (t) => {
    for (const way of ['throw', 'reject']) {
      const { stdout, stderr, code } = await runChild(t, 'users-logger', { args: [way] })
      assert.deepEqual([stdout, code], ['done\n', 0])
      assert.match(
        stderr,
        /^kcl-session: the logger failed, and the session goes on without it: Error: full disk/,
      )
      assert.equal(stderr.match(/full disk/g)?.length, 1)
    }
  })

  it('refuses what is no logger and names what it lacks', () => {
    for (const [option, missing] of [
      [{ info() {}, error() {} }, 'debug, warn'],
      [true, 'debug, info, warn, error'],
      [null, 'debug, info, warn, error'],
    ] as const) {
      assert.throws(
        () => openLogger(option as unknown as Logger, () => null),
        (error) => error instanceof UsageError && error.message.includes(`has no method ${missing}.`),
      )
    }
  })
})

function recorder(events: unknown[]): Logger {
  const record =
    (level: string) =>
    (message: string, details?: object): number =>
      events.push([level, message, details])
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') }
}
