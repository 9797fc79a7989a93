import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogReader } from '../../../lib/launcher/supervision/log-lines.ts'

const TIME = '2026-01-01T10:20:30.400Z'

test('reads an event with its exception, its causes apart from its frames', () => {
  const line = `#kcl#ERROR#${TIME}#software.amazon.kinesis.coordinator.Scheduler#Caught it¶a.B: one¶\tat x.Y(Z.java:1)¶Caused by: c.D: two¶\t... 3 more¶`
  assert.deepEqual(new LogReader().read(line), {
    kind: 'daemon',
    event: {
      level: 'ERROR',
      time: TIME,
      logger: 'Scheduler',
      message: 'Caught it',
      causes: ['a.B: one', 'c.D: two'],
      stack: ['a.B: one', '\tat x.Y(Z.java:1)', 'Caused by: c.D: two', '\t... 3 more'],
    },
  })
})

test('keeps what looks like a separator inside a message', () => {
  const read = new LogReader().read(
    `#kcl#INFO#${TIME}#a.GracefulShutdownCoordinator$Callable#number #1 of # things¶`,
  )
  assert.ok(read?.kind === 'daemon')
  assert.deepEqual(
    [read.event.logger, read.event.message],
    ['GracefulShutdownCoordinator$Callable', 'number #1 of # things'],
  )
})

test('takes a consumer’s line once, with its shard, though the daemon prints it twice', () => {
  const reader = new LogReader()
  const logged = (text: string, shard: string): string =>
    `#kcl#ERROR#${TIME}#software.amazon.kinesis.multilang.DrainChildSTDERRTask#Received error line from subprocess [${text}] for shard ${shard}¶`
  for (const text of ['hello', '', '[a] for shard x', 'with ¶ and #kcl# inside']) {
    assert.deepEqual(reader.read(logged(text, 'shardId-1')), { kind: 'consumer', shardId: 'shardId-1', text })
    assert.deepEqual(reader.read(logged(text, 'shardId-2')), { kind: 'consumer', shardId: 'shardId-2', text })
    assert.equal(reader.read(text), undefined)
    assert.equal(reader.read(text), undefined)
    assert.deepEqual(reader.read(text), { kind: 'other', text })
  }
})
