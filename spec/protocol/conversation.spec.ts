import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DaemonProtocolError, UsageError } from '../../lib/errors.ts'
import { Conversation } from '../../lib/protocol/conversation.ts'

const INITIALIZE = '{"action":"initialize","shardId":"shardId-0","sequenceNumber":"TRIM_HORIZON"}'
const BATCH =
  '{"action":"processRecords","records":[{"sequenceNumber":"1","partitionKey":"k"}],"millisBehindLatest":0}'
const AT = { sequenceNumber: '1', subSequenceNumber: 0 }

test('speaks a whole conversation, from initialize to the end of input', () => {
  const conversation = new Conversation()
  assert.equal(conversation.receive(INITIALIZE).action, 'initialize')
  assert.equal(conversation.action, 'initialize')
  assert.equal(conversation.allowsCheckpoint, false)
  assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'initialize' })
  assert.equal(conversation.action, null)
  assert.equal(conversation.receive(BATCH).action, 'processRecords')
  assert.equal(conversation.allowsCheckpoint, true)
  assert.deepEqual(said(conversation.checkpoint(AT)), { action: 'checkpoint', ...AT })
  assert.equal(conversation.awaitsAnswer, true)
  assert.equal(conversation.allowsCheckpoint, false)
  assert.deepEqual(conversation.receive(answer(null)), { action: 'checkpoint', error: null })
  assert.equal(conversation.awaitsAnswer, false)
  assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'processRecords' })
  conversation.receive('{"action":"shutdownRequested"}')
  assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'shutdownRequested' })
  conversation.receive('{"action":"leaseLost"}')
  assert.equal(conversation.allowsCheckpoint, false)
  assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'leaseLost' })
  assert.equal(conversation.end(), 'quiet')
  assert.equal(conversation.state, 'ended')
})

test('stores the end of a shard without a position, and only there', () => {
  const conversation = inAction('{"action":"shardEnded"}')
  assert.deepEqual(said(conversation.checkpoint(null)), { action: 'checkpoint' })
  for (const line of [BATCH, '{"action":"shutdownRequested"}', '{"action":"leaseLost"}']) {
    const elsewhere = inAction(line)
    assert.throws(() => elsewhere.checkpoint(null), UsageError)
    assert.deepEqual(said(elsewhere.acknowledge()).action, 'status')
  }
})

test('answers a refused checkpoint as an event, and another may be asked for', () => {
  const conversation = inAction(BATCH)
  conversation.checkpoint(AT)
  assert.deepEqual(conversation.receive(answer('ThrottlingException')), {
    action: 'checkpoint',
    error: 'ThrottlingException',
  })
  assert.deepEqual(said(conversation.checkpoint(AT)), { action: 'checkpoint', ...AT })
})

describe('the shutdown of a 1.x daemon', () => {
  test('with TERMINATE is the end of the shard, acknowledged by its own name', () => {
    const conversation = inAction('{"action":"shutdown","reason":"TERMINATE"}')
    assert.equal(conversation.action, 'shardEnded')
    assert.equal(conversation.checkpoint(null), '\n{"action":"checkpoint"}\n')
    conversation.receive(answer(null))
    assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'shutdown' })
    assert.equal(conversation.state, 'over')
  })

  test('with ZOMBIE is the loss of the lease, and allows no checkpoint', () => {
    const conversation = inAction('{"action":"shutdown","reason":"ZOMBIE"}')
    assert.equal(conversation.action, 'leaseLost')
    assert.throws(() => conversation.checkpoint(AT), UsageError)
    assert.deepEqual(said(conversation.acknowledge()), { action: 'status', responseFor: 'shutdown' })
  })
})

describe('what a caller gets wrong is refused before anything is said, and harms nothing', () => {
  test('a status while a checkpoint waits for its answer', () => {
    const conversation = inAction(BATCH)
    conversation.checkpoint(AT)
    assert.throws(
      () => conversation.acknowledge(),
      /status cannot be sent .*processRecords, checkpoint asked/,
    )
    conversation.receive(answer(null))
    assert.equal(said(conversation.acknowledge()).responseFor, 'processRecords')
  })

  test('a second status', () => {
    const conversation = inAction(BATCH)
    conversation.acknowledge()
    assert.throws(() => conversation.acknowledge(), UsageError)
    assert.equal(conversation.receive(BATCH).action, 'processRecords')
  })

  test('a second checkpoint before the answer to the first', () => {
    const conversation = inAction(BATCH)
    conversation.checkpoint(AT)
    assert.throws(() => conversation.checkpoint(AT), UsageError)
    assert.equal(conversation.awaitsAnswer, true)
  })

  for (const sequenceNumber of ['LATEST', 'TRIM_HORIZON', 'SHARD_END', 'abc', '', ' 1', '-1']) {
    test(`a checkpoint at ${JSON.stringify(sequenceNumber)}`, () => {
      const conversation = inAction(BATCH)
      assert.throws(
        () => conversation.checkpoint({ sequenceNumber, subSequenceNumber: 0 }),
        (error: Error) =>
          error instanceof UsageError && error.message.includes(JSON.stringify(sequenceNumber)),
      )
      assert.equal(conversation.state, 'processRecords')
    })
  }
})

describe("after the daemon's first mistake the conversation stays failed and silent", () => {
  const mistakes: [title: string, before: string | null, line: string, text: RegExp][] = [
    ['a line that is not JSON', null, 'Picked up JAVA_TOOL_OPTIONS', /not JSON/],
    ['an unknown action', null, '{"action":"dance"}', /"dance"/],
    ['a batch before initialize', null, BATCH, /processRecords, but the conversation is in "new"/],
    ['a batch while one is in hand', BATCH, BATCH, /processRecords had not been acknowledged/],
    ['an answer that nobody asked for', BATCH, answer(null), /no checkpoint was waiting for one/],
    ['a second initialize', BATCH, '{"action":"initialize","shardId":"s"}', /initialize/],
    ['a missing field', BATCH, '{"action":"processRecords"}', /"records" is missing/],
  ]
  for (const [title, before, line, text] of mistakes) {
    test(title, () => {
      const conversation = before === null ? new Conversation() : inAction(before)
      assert.throws(
        () => conversation.receive(line),
        (error: Error) => {
          assert.ok(error instanceof DaemonProtocolError)
          assert.match(error.message, text)
          return true
        },
      )
      checkSilent(conversation)
    })
  }

  test('so does one that was told to fail', () => {
    const conversation = inAction(BATCH)
    conversation.fail()
    checkSilent(conversation)
  })
})

describe('the end of input', () => {
  test('is quiet before the first action, between two, and after the last', () => {
    const between = inAction(BATCH)
    between.acknowledge()
    const after = inAction('{"action":"leaseLost"}')
    after.acknowledge()
    for (const conversation of [new Conversation(), between, after]) {
      assert.equal(conversation.end(), 'quiet')
      assert.equal(conversation.state, 'ended')
      assert.throws(() => conversation.acknowledge(), UsageError)
    }
  })

  test('fails the conversation in the middle of an action, with or without a checkpoint under way', () => {
    const plain = inAction(BATCH)
    const asked = inAction(BATCH)
    asked.checkpoint(AT)
    for (const conversation of [plain, asked]) {
      assert.equal(conversation.end(), 'in the middle of an action')
      checkSilent(conversation)
    }
  })
})

test('nothing but the whitelisted keys leaves, in one line each, for any fields that the daemon sends', () => {
  const conversation = new Conversation()
  const odd = { responseFor: 'x', error: 'y', extra: { deep: true }, toJSON: 1 }
  const texts: string[] = []
  conversation.receive(JSON.stringify({ action: 'initialize', shardId: 's\n', ...odd }))
  texts.push(conversation.acknowledge())
  conversation.receive(JSON.stringify({ action: 'processRecords', records: [], ...odd }))
  const record = { ...AT, data: 'aGk=', partitionKey: 'k', ...odd }
  texts.push(conversation.checkpoint(record))
  conversation.receive(answer(null))
  texts.push(conversation.acknowledge())
  conversation.receive(JSON.stringify({ action: 'shardEnded', ...odd }))
  texts.push(conversation.checkpoint(null))
  conversation.receive(answer(null))
  texts.push(conversation.acknowledge())
  for (const text of texts) {
    assert.match(text, /^\n[^\n]+\n$/)
    const keys = Object.keys(said(text)).join()
    assert.ok(
      ['action,responseFor', 'action,sequenceNumber,subSequenceNumber', 'action'].includes(keys),
      keys,
    )
  }
})

function checkSilent(conversation: Conversation): void {
  const { state } = conversation
  assert.equal(state, 'failed')
  assert.equal(conversation.allowsCheckpoint, false)
  assert.equal(conversation.awaitsAnswer, false)
  assert.throws(() => conversation.acknowledge(), UsageError)
  assert.throws(() => conversation.checkpoint(AT), UsageError)
  for (const line of [INITIALIZE, BATCH, answer(null), '{"action":"leaseLost"}']) {
    assert.throws(() => conversation.receive(line), DaemonProtocolError)
  }
  conversation.end()
  assert.equal(conversation.state, 'failed')
}

/** A conversation with the action of `line` in hand. */
function inAction(line: string): Conversation {
  const conversation = new Conversation()
  conversation.receive(INITIALIZE)
  conversation.acknowledge()
  conversation.receive(line)
  return conversation
}

function said(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>
}

function answer(error: string | null): string {
  return JSON.stringify({ action: 'checkpoint', sequenceNumber: '1', subSequenceNumber: 0, error })
}
