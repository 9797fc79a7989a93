import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import * as errors from '../lib/errors.ts'
import * as library from '../lib/index.ts'

const { CheckpointError, KclError, RecordError, ...plain } = errors

// Every exported error is listed here with its code: codes are public, and never change.
const CODES: Record<string, string> = {
  ChannelClosedError: 'KCL_CHANNEL_CLOSED',
  CheckpointError: 'KCL_CHECKPOINT',
  DaemonProtocolError: 'KCL_DAEMON_PROTOCOL',
  LeaseLostError: 'KCL_LEASE_LOST',
  RecordError: 'KCL_RECORD',
  UsageError: 'KCL_USAGE',
}

const cause = new Error('below')
const details = { exception: 'ThrottlingException', retryable: true, position: null }
const made: Record<string, errors.KclError> = {
  CheckpointError: new CheckpointError('what, and what to do', details, { cause }),
  RecordError: new RecordError(
    'what, and what to do',
    { position: { sequenceNumber: '49', subSequenceNumber: 0 }, issues: [] },
    { cause },
  ),
}
for (const [name, Class] of Object.entries(plain)) made[name] = new Class('what, and what to do', { cause })

test('every error is public, and has a code of its own', () => {
  assert.deepEqual(Object.fromEntries(Object.values(made).map((error) => [error.name, error.code])), CODES)
  assert.equal(new Set(Object.values(CODES)).size, Object.keys(CODES).length)
  const exported = Object.entries(library)
    .filter(([, value]) => isError(value))
    .map(([name]) => name)
  assert.deepEqual(exported.sort(), [...Object.keys(CODES), 'KclError'].sort())
})

for (const [name, error] of Object.entries(made)) {
  describe(name, () => {
    test('is an Error and a KclError, with a cause', () => {
      assert.ok(error instanceof Error)
      assert.ok(error instanceof KclError)
      assert.equal(error.cause, cause)
      assert.match(error.code, /^KCL_[A-Z_]+$/)
    })

    test('prints under its own name', () => {
      assert.equal(error.name, name)
      assert.equal(String(error), `${name}: what, and what to do`)
      assert.ok(inspect(error).startsWith(`${name}: what, and what to do`), inspect(error))
    })

    test('has a name that is not listed among its fields', () => {
      assert.ok(!Object.keys(error).includes('name'))
    })
  })
}

test('a CheckpointError tells the exception, whether it may pass, and the position', () => {
  const position = { sequenceNumber: '49', subSequenceNumber: 1 }
  const error = new CheckpointError('text', {
    exception: 'InvalidStateException',
    retryable: false,
    position,
  })
  assert.deepEqual(
    [error.exception, error.retryable, error.position],
    ['InvalidStateException', false, position],
  )
})

test('an error without a cause has none', () => {
  assert.ok(!('cause' in new errors.UsageError('text')))
})

test('a subclass of a user keeps its own name', () => {
  class MyError extends errors.UsageError {}
  assert.equal(new MyError('text').name, 'MyError')
})

function isError(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Error
}
