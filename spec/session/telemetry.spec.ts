// The core tells its life to whoever reads the log: at info what a shard goes through, at debug every line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyRecords, KclSession, type Logger } from 'kcl-session'
import { TestDaemon } from 'kcl-session/testing'

test('the log tells the life of a shard: its beginning, what is stored, refused and tried again, and its end', async () => {
  const { logger, events } = recorder()
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger, policy: everyRecords(1) })
  const done = session.forEach(() => {})
  daemon.refuseCheckpoints('ThrottlingException')
  const [first] = await daemon.deliver(['a'])
  daemon.clock.advance(30_000)
  await daemon.endShard()
  await done
  const shardId = 'shardId-000000000000'
  assert.deepEqual(events('info'), [
    ['The shard begins', { shardId, sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }],
    [
      'The daemon refused a checkpoint',
      { shardId, position: first, exception: 'ThrottlingException', tries: 1 },
    ],
    ['Trying a refused checkpoint again', { shardId, position: first, tries: 2 }],
    ['The shard has ended', { shardId }],
    ['Stored a position', { shardId, position: first }],
    ['Stored the end of the shard', { shardId, position: null }],
  ])
})

test('the log tells of the beginning when the daemon has its status: loading a logger holds nobody up', async () => {
  const { logger } = recorder()
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger })
  const said: string[] = []
  const told = (name: 'info' | 'debug'): void => {
    const tell = logger[name].bind(logger)
    logger[name] = (message, details) => {
      said.push(message)
      tell(message, details)
    }
  }
  told('info')
  told('debug')
  const done = session.forEach(() => {})
  await daemon.endShard()
  await done
  assert.deepEqual(said.slice(0, 3), ['Hears', 'Says', 'The shard begins'])
})

test('the log tells a shutdown, and a lease that is lost', async () => {
  const { logger, events } = recorder()
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger })
  const done = session.forEach(() => {})
  await daemon.requestShutdown()
  await done
  assert.deepEqual(
    events('info').map(([message]) => message),
    ['The shard begins', 'The daemon asks for shutdown', 'The lease is lost'],
  )
})

test('at debug the log has every line, as it was heard and said', async () => {
  const { logger, events } = recorder()
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger })
  const done = session.forEach(() => {})
  await daemon.endShard()
  await done
  const lines = events('debug').map(([message, details]) => [
    message,
    JSON.parse(String(details.line)).action,
  ])
  assert.deepEqual(lines, [
    ['Hears', 'initialize'],
    ['Says', 'status'],
    ['Hears', 'shardEnded'],
    ['Says', 'checkpoint'],
    ['Hears', 'checkpoint'],
    ['Says', 'status'],
  ])
})

type Event = [message: string, details: Record<string, unknown>]

function recorder(): { logger: Logger; events(level: keyof Logger): Event[] } {
  const told: Record<keyof Logger, Event[]> = { debug: [], info: [], warn: [], error: [] }
  const at = (level: keyof Logger) => (message: string, details?: object) =>
    void told[level].push([message, { ...details }])
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { logger, events: (level) => told[level] }
}
