import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainRefusal, refusalOf } from '../../lib/checkpoint/refusal.ts'

test('tries again what may pass by itself, a DynamoDB that cannot be reached above all', () => {
  for (const exception of [
    'ThrottlingException',
    'KinesisClientLibDependencyException',
    'RuntimeException',
  ]) {
    assert.equal(refusalOf(exception), 'try again', exception)
    assert.match(explainRefusal(exception), /throttled or cannot be reached/)
  }
})

test('takes a ShutdownException for the loss of the lease, and only that', () => {
  assert.equal(refusalOf('ShutdownException'), 'lease lost')
})

test('takes everything else for final, what it does not know too', () => {
  for (const exception of [
    'InvalidStateException',
    'IllegalArgumentException',
    'NullPointerException',
    'OutOfMemoryError',
    'constructor',
    '',
  ])
    assert.equal(refusalOf(exception), 'final', exception)
  assert.match(explainRefusal('InvalidStateException'), /lease table is missing/)
  assert.match(explainRefusal('NullPointerException'), /see the daemon's log/)
})
