import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFaults } from '../../../lib/daemon/faults/faults.ts'
import { UsageError } from '../../../lib/errors.ts'
import { nearest } from '../../../lib/nearest.ts'

test('reads faults as they are written', () => {
  assert.deepEqual(
    parseFaults(['refuse=ThrottlingException:0.1', 'split:@500/1', 'shutdown', 'empty:x3']).faults,
    [
      {
        text: 'refuse=ThrottlingException:0.1',
        name: 'refuse',
        exception: 'ThrottlingException',
        time: { chance: 0.1 },
        shard: null,
      },
      { text: 'split:@500/1', name: 'split', exception: '', time: { after: 500 }, shard: 1 },
      { text: 'shutdown', name: 'shutdown', exception: '', time: { times: 1 }, shard: null },
      { text: 'empty:x3', name: 'empty', exception: '', time: { times: 3 }, shard: null },
    ],
  )
  assert.deepEqual(parseFaults(['aggregate=5', 'odd-keys']), { faults: [], aggregate: 5, oddKeys: true })
})

test('refuses what is no fault', () => {
  for (const text of [
    '',
    'refuse',
    'refuse=',
    'refuse=Two Words',
    'lease-lost=3',
    'leaselost',
    'split:0',
    'split:2',
    'split:1',
    'split:-0.5',
    'split:x0',
    'split:@',
    'split:',
    'split/one',
    'aggregate',
    'aggregate=1',
    'aggregate=5:x1',
    'odd-keys=yes',
    'odd-keys/1',
    'split:@5:@6',
  ]) {
    assert.throws(() => parseFaults([text]), UsageError, text)
  }
})

test('names the nearest where a fault or an exception is misspelt', () => {
  const refusal = (text: string): string => {
    try {
      parseFaults([text], nearest)
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }
  assert.match(refusal('refuse=ThrotlingException'), /Did you mean "ThrottlingException"\? It does so with /)
  assert.match(refusal('refuse=ProvisionedThroughputExceededException'), /refuses no checkpoint with/)
  assert.match(refusal('kil-consumer:@50'), /is not a fault\. Did you mean "kill-consumer"\?/)
  assert.match(refusal('odd-key'), /Did you mean "odd-keys"\?/)
  assert.doesNotMatch(refusal('split:often'), /Did you mean/)
})
