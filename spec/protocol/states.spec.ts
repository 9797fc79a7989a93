// The full grid: every state times every input, written out here a second time, and held against the table and
// against what a conversation really does.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DaemonProtocolError, UsageError } from '../../lib/errors.ts'
import { Conversation } from '../../lib/protocol/conversation.ts'
import { type ConversationInput, type ConversationState, TRANSITIONS } from '../../lib/protocol/states.ts'

const INPUTS = [
  'initialize',
  'processRecords',
  'shutdownRequested',
  'shardEnded',
  'leaseLost',
  'answer',
  'end',
  'status',
  'checkpoint',
] as const

// The states by short names; `.` is an input that is illegal in its state.
const NAMES = {
  new: 'new',
  init: 'initialize',
  ready: 'ready',
  batch: 'processRecords',
  'batch?': 'processRecords, checkpoint asked',
  drain: 'shutdownRequested',
  'drain?': 'shutdownRequested, checkpoint asked',
  shard: 'shardEnded',
  'shard?': 'shardEnded, checkpoint asked',
  lost: 'leaseLost',
  over: 'over',
  ended: 'ended',
  failed: 'failed',
} as const satisfies Record<string, ConversationState>

// In the order of INPUTS.
const GRID = `
        | initialize processRecords shutdownRequested shardEnded leaseLost | answer end    | status checkpoint
new     | init       .              .                 .          .         | .      ended  | .      .
init    | .          .              .                 .          .         | .      failed | ready  .
ready   | .          batch          drain             shard      lost      | .      ended  | .      .
batch   | .          .              .                 .          .         | .      failed | ready  batch?
batch?  | .          .              .                 .          .         | batch  failed | .      .
drain   | .          .              .                 .          .         | .      failed | ready  drain?
drain?  | .          .              .                 .          .         | drain  failed | .      .
shard   | .          .              .                 .          .         | .      failed | over   shard?
shard?  | .          .              .                 .          .         | shard  failed | .      .
lost    | .          .              .                 .          .         | .      failed | over   .
over    | .          .              .                 .          .         | .      ended  | .      .
ended   | .          .              .                 .          .         | .      .      | .      .
failed  | .          .              .                 .          .         | .      .      | .      .
`

// One way into each state.
const WAYS: Record<ConversationState, readonly ConversationInput[]> = {
  new: [],
  initialize: ['initialize'],
  ready: ['initialize', 'status'],
  processRecords: ['initialize', 'status', 'processRecords'],
  'processRecords, checkpoint asked': ['initialize', 'status', 'processRecords', 'checkpoint'],
  shutdownRequested: ['initialize', 'status', 'shutdownRequested'],
  'shutdownRequested, checkpoint asked': ['initialize', 'status', 'shutdownRequested', 'checkpoint'],
  shardEnded: ['initialize', 'status', 'shardEnded'],
  'shardEnded, checkpoint asked': ['initialize', 'status', 'shardEnded', 'checkpoint'],
  leaseLost: ['initialize', 'status', 'leaseLost'],
  over: ['initialize', 'status', 'leaseLost', 'status'],
  ended: ['end'],
  failed: ['initialize', 'end'],
}

test('the grid names every state and every input once', () => {
  const [header, ...rows] = readGrid()
  assert.deepEqual(header, ['', ...INPUTS])
  assert.deepEqual(
    rows.map(([name]) => name),
    Object.keys(NAMES),
  )
  assert.deepEqual(Object.values(NAMES), Object.keys(TRANSITIONS))
  assert.deepEqual(Object.keys(WAYS), Object.keys(TRANSITIONS))
})

for (const [name = '', ...cells] of readGrid().slice(1)) {
  const state = NAMES[name as keyof typeof NAMES]
  describe(`in "${state}"`, () => {
    for (const [column, input] of INPUTS.entries()) {
      const cell = cells[column] ?? ''
      const next = cell === '.' ? undefined : NAMES[cell as keyof typeof NAMES]
      test(next === undefined ? `${input} is illegal` : `${input} leads to "${next}"`, () => {
        assert.ok(cell === '.' || next !== undefined, `the grid says ${cell}, which is no state`)
        assert.equal(TRANSITIONS[state][input], next)
        const conversation = conversationIn(state)
        if (next !== undefined) {
          step(conversation, input)
          assert.equal(conversation.state, next)
        } else {
          checkIllegal(conversation, input)
        }
      })
    }
  })
}

// What we get wrong leaves the conversation where it was; what the daemon gets wrong fails it.
function checkIllegal(conversation: Conversation, input: ConversationInput): void {
  const before = conversation.state
  if (input === 'end') {
    step(conversation, input)
    assert.equal(conversation.state, before)
  } else if (input === 'status' || input === 'checkpoint') {
    assert.throws(() => step(conversation, input), UsageError)
    assert.equal(conversation.state, before)
  } else {
    assert.throws(() => step(conversation, input), DaemonProtocolError)
    assert.equal(conversation.state, 'failed')
  }
}

function conversationIn(state: ConversationState): Conversation {
  const conversation = new Conversation()
  for (const input of WAYS[state]) step(conversation, input)
  assert.equal(conversation.state, state)
  return conversation
}

function step(conversation: Conversation, input: ConversationInput): unknown {
  if (input === 'status') return conversation.acknowledge()
  if (input === 'checkpoint') return conversation.checkpoint({ sequenceNumber: '1', subSequenceNumber: 0 })
  if (input === 'end') return conversation.end()
  const fields = { initialize: { shardId: 'shardId-0' }, processRecords: { records: [] } }
  const action = input === 'answer' ? 'checkpoint' : input
  return conversation.receive(JSON.stringify({ action, ...fields[input as keyof typeof fields] }))
}

function readGrid(): string[][] {
  const lines = GRID.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const [name = '', ...cells] = line.split('|')
    return [name.trim(), ...cells.join(' ').split(' ').filter(Boolean)]
  })
}
