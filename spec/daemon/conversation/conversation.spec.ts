import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARD_END, TRIM_HORIZON } from '../../../lib/daemon/conversation/checkpointer.ts'
import { DaemonConversation, type DaemonEvent } from '../../../lib/daemon/conversation/conversation.ts'
import type { FindingKind } from '../../../lib/daemon/conversation/findings.ts'
import type { DeliveredRecord, LeasePosition } from '../../../lib/daemon/conversation/messages.ts'

test('acknowledges one action after the other, and checkpoints in between', () => {
  const daemon = conversation()
  daemon.initialize()
  assert.deepEqual(daemon.receive(status('initialize')), [{ type: 'acknowledged', action: 'initialize' }])
  daemon.processRecords([record('100'), record('200')], 0)
  assert.deepEqual(daemon.receive(''), [])
  assert.deepEqual(daemon.receive(checkpoint('100', 0)), [
    {
      type: 'checkpoint',
      request: { sequenceNumber: '100', subSequenceNumber: 0 },
      error: null,
      stored: { sequenceNumber: '100', subSequenceNumber: 0 },
    },
    {
      type: 'send',
      line: '{"action":"checkpoint","sequenceNumber":"100","subSequenceNumber":0,"error":null}',
    },
  ])
  assert.deepEqual(types(daemon.receive(status('processRecords'))), ['acknowledged'])
  assert.deepEqual(daemon.checkpoint, { sequenceNumber: '100', subSequenceNumber: 0 })
  assert.equal(daemon.state, 'idle')
})

test('stores the last record delivered when no position is named, and nothing twice', () => {
  const daemon = inBatch(['100', '200'])
  assert.deepEqual(stored(daemon.receive(checkpoint())), { sequenceNumber: '200', subSequenceNumber: 0 })
  assert.equal(stored(daemon.receive(checkpoint())), null)
  assert.equal(stored(daemon.receive(checkpoint('200'))), null)
})

test('keeps to the range between the last checkpoint and the last record delivered', () => {
  const daemon = inBatch(['100', '200'])
  daemon.receive(checkpoint('150'))
  for (const line of [
    checkpoint('149'),
    checkpoint('201'),
    checkpoint('200', 1),
    checkpoint('150', -1),
    checkpoint(''),
    checkpoint(' 150'),
    checkpoint('abc'),
    checkpoint('TRIM_HORIZON'),
    checkpoint('LATEST'),
    checkpoint('SHARD_END'),
  ]) {
    const events = daemon.receive(line)
    assert.equal(answer(events), 'IllegalArgumentException', line)
    assert.equal(found(events), 'position-refused', line)
  }
  assert.deepEqual(stored(daemon.receive(checkpoint('200'))), { sequenceNumber: '200', subSequenceNumber: 0 })
})

test('compares sub-sequence numbers inside one sequence number', () => {
  const daemon = inBatch([])
  daemon.receive(status('processRecords'))
  daemon.processRecords([record('100', 0), record('100', 1), record('100', 2)], 0)
  assert.deepEqual(stored(daemon.receive(checkpoint('100', 1))), {
    sequenceNumber: '100',
    subSequenceNumber: 1,
  })
  assert.equal(answer(daemon.receive(checkpoint('100'))), 'IllegalArgumentException')
  assert.deepEqual(stored(daemon.receive(checkpoint())), { sequenceNumber: '100', subSequenceNumber: 2 })
})

test('takes a position before the batch when records after the checkpoint come again', () => {
  const daemon = new DaemonConversation({
    shardId: SHARD,
    checkpoint: { sequenceNumber: '100', subSequenceNumber: 2 },
  })
  assert.match(daemon.initialize(), /"sequenceNumber":"100","subSequenceNumber":2}/)
  daemon.receive(status('initialize'))
  daemon.processRecords([record('200')], 0)
  assert.equal(answer(daemon.receive(checkpoint('100', 1))), 'IllegalArgumentException')
  assert.equal(answer(daemon.receive(checkpoint('100', 2))), null)
})

test('refuses with the name it is told, and stores nothing then', () => {
  const names = ['ThrottlingException', null]
  const daemon = new DaemonConversation({
    shardId: SHARD,
    checkpoint: TRIM_HORIZON,
    refuse: () => names.shift() ?? null,
  })
  daemon.initialize()
  daemon.receive(status('initialize'))
  daemon.processRecords([record('100')], 0)
  assert.equal(answer(daemon.receive(checkpoint('100'))), 'ThrottlingException')
  assert.deepEqual(daemon.checkpoint, TRIM_HORIZON)
  assert.equal(answer(daemon.receive(checkpoint('100'))), null)
})

test('refuses everything once the lease is gone, and takes the end of the shard without a checkpoint', () => {
  const daemon = inBatch(['100'])
  daemon.loseLease()
  assert.equal(answer(daemon.receive(checkpoint('100'))), 'ShutdownException')
  daemon.receive(status('processRecords'))
  daemon.shardEnded()
  assert.equal(answer(daemon.receive(checkpoint())), 'ShutdownException')
  assert.deepEqual(types(daemon.receive(status('shardEnded'))), ['acknowledged'])
})

test('wants the end of the shard stored before its status', () => {
  const stores = (line: string | null): DaemonEvent[] => {
    const daemon = inBatch(['100', '200'])
    daemon.receive(status('processRecords'))
    daemon.shardEnded()
    if (line !== null) daemon.receive(line)
    return daemon.receive(status('shardEnded'))
  }
  assert.deepEqual(types(stores(checkpoint())), ['acknowledged'])
  assert.equal(found(stores(null)), 'shard-end-not-stored')
  assert.equal(found(stores(checkpoint('100'))), 'shard-end-not-stored')
  // The last record of the shard is as good as its end, unless it was stored before.
  assert.deepEqual(types(stores(checkpoint('200'))), ['acknowledged'])
})

test('stores the end of the shard as such', () => {
  const daemon = inBatch(['100'])
  daemon.receive(checkpoint('100'))
  daemon.receive(status('processRecords'))
  daemon.shardEnded()
  assert.equal(stored(daemon.receive(checkpoint('100'))), null)
  assert.deepEqual(stored(daemon.receive(checkpoint())), SHARD_END)
  assert.equal(answer(daemon.receive(checkpoint('100'))), 'IllegalArgumentException')
  daemon.receive(status('shardEnded'))
  assert.equal(daemon.state, 'done')
})

test('speaks the words of a 1.x daemon too', () => {
  const daemon = inBatch(['100'])
  daemon.receive(status('processRecords'))
  assert.equal(daemon.shutdown('TERMINATE'), '{"action":"shutdown","reason":"TERMINATE"}')
  assert.equal(found(daemon.receive(status('shutdown'))), 'shard-end-not-stored')
})

test('recognises every misuse of the protocol', () => {
  const during = (begin: (daemon: DaemonConversation) => void, line: string): FindingKind | undefined => {
    const daemon = conversation()
    daemon.initialize()
    daemon.receive(status('initialize'))
    begin(daemon)
    return found(daemon.receive(line))
  }
  const batch = (daemon: DaemonConversation): void => {
    daemon.processRecords([record('100')], 0)
  }
  const nothing = (): void => {}
  assert.equal(during(batch, 'hello'), 'text')
  assert.equal(during(batch, '{"action":"nack"}'), 'text')
  assert.equal(during(batch, 'null'), 'null-line')
  assert.equal(during(batch, `text ${status('processRecords')}`), 'glued-text')
  assert.equal(during(batch, '{"action":"status","responseFor":"processRecords","at":1}'), 'extra-key')
  assert.equal(during(batch, '{"action":"checkpoint","sequenceNumber":[]}'), 'malformed')
  assert.equal(during(batch, status('initialize')), 'wrong-response')
  assert.equal(during(batch, '{"action":"status"}'), 'wrong-response')
  assert.equal(during(batch, checkpoint('LATEST')), 'latest-stored')
  assert.equal(during(nothing, status('processRecords')), 'second-status')
  assert.equal(during(nothing, checkpoint('100')), 'late-checkpoint')
  assert.equal(
    during((daemon) => void daemon.leaseLost(), checkpoint()),
    'checkpoint-out-of-turn',
  )
  const early = conversation()
  early.initialize()
  assert.equal(found(early.receive(checkpoint())), 'checkpoint-out-of-turn')
  assert.deepEqual(types(early.receive(status('initialize'))), ['acknowledged'])
})

test('goes on after what the real daemon skips, and ignores everything after what it does not survive', () => {
  const daemon = inBatch(['100'])
  daemon.receive('hello')
  assert.equal(daemon.state, 'waiting')
  daemon.receive(status('initialize'))
  assert.equal(daemon.state, 'broken')
  assert.deepEqual(daemon.receive(status('processRecords')), [])
  assert.deepEqual(daemon.outputEnded('it exited with code 1'), [])
})

test('wants a consumer to live until its input ends', () => {
  assert.equal(found(inBatch(['100']).outputEnded('it exited with code 0')), 'ended')
  const idle = conversation()
  idle.initialize()
  idle.receive(status('initialize'))
  assert.equal(found(idle.outputEnded('it exited with code 0')), 'ended-idle')
  const drained = conversation()
  drained.initialize()
  drained.receive(status('initialize'))
  drained.shutdownRequested()
  drained.receive(status('shutdownRequested'))
  assert.equal(found(drained.outputEnded('it exited with code 0')), 'ended-idle')
  const done = conversation()
  done.initialize()
  done.receive(status('initialize'))
  done.leaseLost()
  done.receive(status('leaseLost'))
  assert.deepEqual(done.outputEnded('it exited with code 0'), [])
})

test('has one action in hand at a time', () => {
  const daemon = conversation()
  daemon.initialize()
  assert.throws(() => daemon.processRecords([], 0), /with initialize in hand/)
})

const SHARD = 'shardId-000000000000'

function conversation(): DaemonConversation {
  return new DaemonConversation({ shardId: SHARD, checkpoint: TRIM_HORIZON })
}

function inBatch(sequenceNumbers: readonly string[]): DaemonConversation {
  const daemon = conversation()
  daemon.initialize()
  daemon.receive(status('initialize'))
  daemon.processRecords(
    sequenceNumbers.map((sequenceNumber) => record(sequenceNumber)),
    0,
  )
  return daemon
}

function record(sequenceNumber: string, subSequenceNumber = 0): DeliveredRecord {
  return { data: '', partitionKey: 'k', sequenceNumber, subSequenceNumber, approximateArrivalTimestamp: null }
}

function status(responseFor: string): string {
  return JSON.stringify({ action: 'status', responseFor })
}

function checkpoint(sequenceNumber?: string, subSequenceNumber?: number): string {
  return JSON.stringify({ action: 'checkpoint', sequenceNumber, subSequenceNumber })
}

function types(events: readonly DaemonEvent[]): string[] {
  return events.map((event) => event.type)
}

function found(events: readonly DaemonEvent[]): FindingKind | undefined {
  return events.find((event) => event.type === 'finding')?.finding.kind
}

function answer(events: readonly DaemonEvent[]): string | null | undefined {
  return events.find((event) => event.type === 'checkpoint')?.error
}

function stored(events: readonly DaemonEvent[]): LeasePosition | null | undefined {
  return events.find((event) => event.type === 'checkpoint')?.stored
}
