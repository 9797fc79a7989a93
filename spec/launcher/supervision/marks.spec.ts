import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announce, LogReader, markOption, newMarks } from '../../../lib/launcher/supervision/marks.ts'

const TIME = '2026-01-01T10:20:30.400Z'
const marks = newMarks()
// As logback writes it: what would be a line break is the mark.
const event = (level: string, logger: string, rest: string, thread = 'pool-1'): string =>
  `${marks.event}${level}#${TIME}#${thread}#software.amazon.kinesis.${logger}#${rest.replaceAll('¶', marks.event)}`
const written = (text: string, shard: string): string =>
  event(
    'ERROR',
    'multilang.DrainChildSTDERRTask',
    `Received error line from subprocess [${text}] for shard ${shard}¶`,
  )

test('reads an event with its exception, its causes apart from its frames', () => {
  const line = event(
    'ERROR',
    'coordinator.Scheduler',
    'Caught it¶a.B: one¶\tat x.Y(Z.java:1)¶Caused by: c.D: two¶\t... 3 more¶',
  )
  assert.deepEqual(new LogReader(marks).read(line), {
    kind: 'daemon',
    event: {
      level: 'ERROR',
      time: TIME,
      thread: 'pool-1',
      logger: 'Scheduler',
      message: 'Caught it',
      causes: ['a.B: one', 'c.D: two'],
      stack: ['a.B: one', '\tat x.Y(Z.java:1)', 'Caused by: c.D: two', '\t... 3 more'],
    },
  })
})

test('keeps what looks like a separator inside a message', () => {
  const read = new LogReader(marks).read(
    event('INFO', 'lifecycle.GracefulShutdownCoordinator$Callable', 'number #1 of # things¶'),
  )
  assert.ok(read?.kind === 'daemon')
  assert.deepEqual(
    [read.event.logger, read.event.message],
    ['GracefulShutdownCoordinator$Callable', 'number #1 of # things'],
  )
})

test('takes a consumer’s line once, with its shard, though the daemon prints it twice', () => {
  const reader = new LogReader(marks)
  for (const text of ['hello', '', '[a] for shard x', 'with ¶ and #kcl# inside'].map((one) =>
    one.replaceAll('¶', '|'),
  )) {
    assert.deepEqual(reader.read(written(text, 'shardId-1')), {
      kind: 'consumer',
      shardId: 'shardId-1',
      text,
    })
    assert.deepEqual(reader.read(written(text, 'shardId-2')), {
      kind: 'consumer',
      shardId: 'shardId-2',
      text,
    })
    assert.equal(reader.read(text), undefined)
    assert.equal(reader.read(text), undefined)
    assert.deepEqual(reader.read(text), { kind: 'other', text })
  }
})

test('forgets copies that never come, and so does not grow', () => {
  const reader = new LogReader(marks)
  for (let at = 0; at < 3000; at++) reader.read(written(`line ${at}`, 's'))
  assert.deepEqual(reader.read('line 0'), { kind: 'other', text: 'line 0' })
  assert.equal(reader.read('line 2999'), undefined)
})

test('believes an announcement by its mark alone', () => {
  const reader = new LogReader(marks)
  const said = /"(.*)"/.exec(announce(marks))?.[1]?.replace('$$', '4711') ?? ''
  assert.deepEqual(reader.read(written(said, 'shardId-3')), {
    kind: 'arrival',
    shardId: 'shardId-3',
    pid: 4711,
  })
  assert.equal(reader.read(said), undefined)
  for (const text of [
    'kcl-session-consumer 999999',
    said.replace(/-[0-9a-f]+ /, '-0123456789ab '),
    ` ${said}`,
  ]) {
    assert.deepEqual(reader.read(written(text, 's')), { kind: 'consumer', shardId: 's', text })
  }
})

test('takes nothing that a consumer can print for an event, whatever it looks like', () => {
  const other = newMarks()
  const failure = `ERROR#${TIME}#pool-1#a.MultiLangProtocol#Failed to get status message for processRecords action for shard s¶`
  for (const mark of ['', '#kcl#', '¶', other.event, marks.event.toUpperCase()]) {
    const text = mark + failure
    const reader = new LogReader(marks)
    assert.deepEqual(reader.read(text), { kind: 'other', text })
    assert.deepEqual(reader.read(written(text.replaceAll('¶', '|'), 's'))?.kind, 'consumer')
  }
  // Cut in its middle, as a line of more than a megabyte is, an event is none of the daemon's own.
  const cut = written('x', 's').replace(/\] for shard.*/, '')
  assert.equal(new LogReader(marks).read(cut)?.kind, 'other')
})

test('shows what the daemon skips on a consumer’s standard output as that consumer’s line', () => {
  const skipped = (text: string): string =>
    event(
      'INFO',
      'multilang.GetNextMessageTask',
      `Skipping unexpected line on STDOUT for shard shardId-7: ${text}¶`,
    )
  const reader = new LogReader(marks)
  assert.deepEqual(reader.read(skipped('count: 3')), {
    kind: 'consumer',
    shardId: 'shardId-7',
    text: 'count: 3',
  })
  assert.equal(reader.read(skipped('')), undefined)
})

test('makes other marks at every start', () => {
  const other = newMarks()
  assert.notEqual(other.event, marks.event)
  assert.notEqual(other.arrival, marks.arrival)
  assert.ok(markOption(marks).endsWith(marks.event))
})
