import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DaemonEvent } from '../../../lib/launcher/supervision/marks.ts'
import { lostLeaseOf, newsOf, tellLost } from '../../../lib/launcher/supervision/news.ts'

test('names the children of a shard that was split, and what they wait for', () => {
  const message =
    'Shard shardId-2: Updated current lease shardId-2 with child shard information: [shardId-4, shardId-3]'
  assert.match(
    newsOf(event('ShutdownTask', message))?.text ?? '',
    /^shardId-2 was split, .*Its children shardId-3 and shardId-4 get consumers once .*leaseAssignmentIntervalMillis/,
  )
})

test('names the child of a merge, which waits for both parents', () => {
  const message = 'Shard shardId-1: Updated current lease shardId-1 with child shard information: [shardId-5]'
  const news = newsOf(event('ShutdownTask', message))
  assert.match(news?.text ?? '', /^shardId-1 was merged, .*The child shardId-5 gets .* other parent/)
  assert.equal(news?.shardId, 'shardId-1')
})

test('tells of a lease that is handed over', () => {
  const news = newsOf(event('LeaseGracefulShutdownHandler', 'Calling graceful shutdown for lease shardId-5'))
  assert.match(news?.text ?? '', /^shardId-5: the leader gives the lease to another worker\./)
})

test('tells of lost leases in one line', () => {
  const lost = lostLeaseOf(event('DynamoDBLeaseRenewer', 'Worker w-0 lost lease with key shardId-4'))
  assert.equal(lost, 'shardId-4')
  assert.match(tellLost(['shardId-4']), /^The lease of shardId-4 is lost: /)
  assert.match(tellLost(['a', 'b', 'c']), /^The leases of a, b and c are lost: /)
})

test('believes only the loggers that say such things, and finds no news in the rest', () => {
  for (const other of [
    event('DrainChildSTDERRTask', 'Worker w-0 lost lease with key shardId-4'),
    event('MultiLangProtocol', 'Calling graceful shutdown for lease shardId-5'),
    event('ShutdownTask', 'Shard shardId-1: ended'),
  ])
    assert.deepEqual([newsOf(other), lostLeaseOf(other)], [undefined, undefined])
})

function event(logger: string, message: string): DaemonEvent {
  return { level: 'INFO', time: '', thread: '', logger, message, causes: [], stack: [] }
}
