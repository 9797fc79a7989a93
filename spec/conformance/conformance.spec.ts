// Conversations that were recorded with the real daemon (transcripts/README.md), held against ours.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { comparePositions } from '../../lib/checkpoint/position.ts'
import { CheckpointError, everyBatch, manual, type Position, UsageError } from '../../lib/index.ts'
import { LineReader } from '../../lib/io/lines.ts'
import { Conversation } from '../../lib/protocol/conversation.ts'
import { isSequenceNumber, parseMessage } from '../../lib/protocol/messages.ts'
import { Wire } from '../helpers/wire.ts'
import {
  type Exchange,
  readDaemonLines,
  readTranscripts,
  type Said,
  type Transcript,
  type Turn,
} from './transcript.ts'

const transcripts = readTranscripts()
const daemonLines = readDaemonLines()

test('all transcripts are there, and each conversation begins with initialize', () => {
  assert.equal(daemonLines.length, 12)
  assert.equal(transcripts.length, 19)
  for (const { turns } of transcripts) assert.equal(turns[0]?.action, 'initialize')
})

describe('a session whose user does what was recorded says what was recorded', () => {
  for (const transcript of transcripts) {
    test(transcript.name, async (t) => {
      const plan = planOf(transcript)
      const batches = plan.filter(({ positions }) => positions.length > 0)
      const wire = new Wire(t, { policy: manual() })
      const loop = (async () => {
        for await (const batch of wire.session.batches()) {
          const part = batches.shift()
          assert.equal(batch.records.length, part?.positions.length)
          if (part?.status === null) throw new Error('crashed as recorded')
          for (const { said } of part?.ours ?? [])
            assert.equal(await batch.checkpoint(toPosition(said)), true)
        }
      })()
      for (const { turn, ours, status } of plan) {
        wire.say(turn.line)
        for (const { said, answer } of ours) {
          const position = said.sequenceNumber ? toPosition(said) : {}
          assert.deepEqual(await wire.said(), { action: 'checkpoint', ...position })
          wire.say(answer ?? '')
        }
        if (status !== null) assert.deepEqual(await wire.said(), status)
      }
      // One consumer died in the middle of a batch.
      const crashed = plan.some(({ status }) => status === null)
      if (crashed) await assert.rejects(loop, /crashed as recorded/)
      wire.end()
      if (!crashed) await loop
      assert.deepEqual(await wire.heard(), [])
      assert.equal(wire.session.state, crashed ? 'failed' : 'ended')
    })
  }

  test('with a policy in the place of explicit checkpoints too', async (t) => {
    const [transcript] = transcripts.filter(({ name }) => name.startsWith('happy-path'))
    assert.ok(transcript)
    const wire = new Wire(t, { policy: everyBatch() })
    const loop = (async () => {
      for await (const batch of wire.session.batches()) for await (const _ of batch);
    })()
    for (const { turn, ours, status } of planOf(transcript)) {
      wire.say(turn.line)
      for (const { said, answer } of ours) {
        assert.deepEqual(await wire.said(), said)
        wire.say(answer ?? '')
      }
      assert.deepEqual(await wire.said(), status)
    }
    wire.end()
    await loop
  })
})

describe('what was recorded and a session never says', () => {
  test('is this, and for these reasons', () => {
    const never = transcripts.flatMap((transcript) =>
      planOf(transcript).flatMap(({ turn, never }) =>
        never.map(({ said, why }) => [
          transcript.name.split(',', 1).join(),
          turn.action,
          said.sequenceNumber,
          why,
        ]),
      ),
    )
    const last = '49680480437151847090243216302571243823798426220170838018'
    const drains = ['happy-path', 'lease-handoff-second-worker', 'sigterm-drain', 'sigterm-drain']
    const expected = [
      ['initialize', '49680479569385249925019608619129747621046374004156268546', 'no checkpointer'],
      ['processRecords', '49680480437151847090243216302567617046339582332646719490', 'stored already'],
      ['processRecords', '49680480437151847090243216302571243823798426220170838019', 'not in the batch'],
      ['processRecords', `${last}0`, 'not in the batch'],
      ['processRecords', 'abc', 'no position'],
      ['processRecords', 'TRIM_HORIZON', 'no position'],
      ['processRecords', 'LATEST', 'no position'],
      ['processRecords', 'SHARD_END', 'no position'],
      ['processRecords', last, 'not in the batch'],
      ['processRecords', last, 'not in the batch'],
      ['processRecords', undefined, 'without a position'],
      ['processRecords', null, 'without a position'],
      ['processRecords', '', 'no position'],
      ['processRecords', ` ${last}`, 'no position'],
      ['leaseLost', undefined, 'no checkpointer'],
    ].map((line) => ['checkpoint-refusals', ...line])
    const bare = drains.map((name) => [name, 'shutdownRequested', undefined, 'without a position'])
    assert.deepEqual(never, [...expected, ...bare])
  })

  for (const { transcript, turn, said, why } of neverSaid()) {
    const position = said.sequenceNumber === undefined ? 'nothing' : JSON.stringify(said.sequenceNumber)
    test(`${position} in ${turn.action} (${why}) is never said`, async (t) => {
      if (turn.action === 'processRecords' && why !== 'without a position') {
        const wire = new Wire(t, { policy: manual() })
        const next = wire.session.batches().next()
        wire.say(transcript.turns[0]?.line ?? '')
        assert.equal((await wire.said()).action, 'status')
        wire.say(turn.line)
        const { value: batch } = await next
        if (why === 'stored already') {
          const stored = batch.checkpoint()
          wire.say((await wire.said()) && '{"action":"checkpoint","error":null}')
          assert.equal(await stored, true)
          assert.equal(await batch.checkpoint(toPosition(said)), true)
        } else {
          await assert.rejects(batch.checkpoint(toPosition(said)), UsageError)
        }
        assert.deepEqual(await wire.heard(), [])
      } else {
        const conversation = new Conversation()
        for (const { line, action } of transcript.turns) {
          conversation.receive(line)
          if (action === turn.action) break
          conversation.acknowledge()
        }
        const asked = said.sequenceNumber ? toPosition(said) : null
        assert.throws(() => conversation.checkpoint(asked), UsageError)
        assert.deepEqual(JSON.parse(conversation.acknowledge()), {
          action: 'status',
          responseFor: turn.action,
        })
      }
    })
  }
})

describe("every recorded answer settles the checkpoint it is given to, by the daemon's own words", () => {
  const answers = new Set(
    transcripts.flatMap(({ turns }) =>
      turns.flatMap(({ said }) => said.flatMap(({ answer }) => answer ?? [])),
    ),
  )
  for (const answer of answers) {
    test(answer, async (t) => {
      const { error } = JSON.parse(answer) as { error: string | null }
      const [first, second] = transcripts.find(({ name }) => name.startsWith('happy-path'))?.turns ?? []
      const wire = new Wire(t, { policy: manual() })
      const next = wire.session.batches().next()
      wire.say(first?.line ?? '')
      assert.equal((await wire.said()).action, 'status')
      wire.say(second?.line ?? '')
      const stored = (await next).value.checkpoint()
      assert.equal((await wire.said()).action, 'checkpoint')
      wire.say(answer)
      if (error === null) assert.equal(await stored, true)
      else
        await assert.rejects(stored, (refusal) => {
          assert.ok(refusal instanceof CheckpointError)
          assert.deepEqual([refusal.exception, refusal.retryable], [error, false])
          return true
        })
    })
  }
})

describe("the daemon's side reads the same, however it is cut", () => {
  for (const { name, lines } of daemonLines) {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    const messages = lines.map(parseMessage)

    test(`${name}: whole`, async () => {
      assert.deepEqual((await read([bytes])).map(parseMessage), messages)
    })

    test(`${name}: byte by byte`, async () => {
      const cut = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
      assert.deepEqual(await read(cut), lines)
    })

    test(`${name}: at random splits, with either line end`, async () => {
      const places = fc.array(fc.nat(bytes.length), { maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(places, fc.boolean(), async (splits, carriageReturns) => {
          const sent = carriageReturns ? Buffer.from(lines.map((line) => `${line}\r\n`).join('')) : bytes
          const at = [0, ...splits.sort((a, b) => a - b), sent.length]
          const cut = at.slice(1).map((end, index) => sent.subarray(at[index], end))
          assert.deepEqual(await read(cut.filter((part) => part.length > 0)), lines)
        }),
        { numRuns: 20 },
      )
    })
  }
})

/** A turn, parted into what a session would say and what it never says. */
interface Part {
  readonly turn: Turn
  readonly positions: Position[]
  readonly ours: Exchange[]
  readonly never: { said: Said; why: string }[]
  /** Null where the recording ends before it. */
  readonly status: Said | null
}

function planOf({ turns }: Transcript): Part[] {
  let stored: Position | null = null
  return turns.map((turn) => {
    const message = parseMessage(turn.line)
    const positions = message.action === 'processRecords' ? [...message.records] : []
    const ours: Exchange[] = []
    const never: { said: Said; why: string }[] = []
    for (const exchange of turn.said.filter(({ said }) => said.action === 'checkpoint')) {
      const why = whyNever(exchange.said, turn.action, positions, stored)
      if (why !== null) never.push({ said: exchange.said, why })
      else ours.push(exchange)
      if (why === null && exchange.said.sequenceNumber) stored = toPosition(exchange.said)
    }
    const status = turn.said.find(({ said }) => said.action === 'status')?.said ?? null
    return { turn, positions, ours, never, status }
  })
}

function whyNever(said: Said, action: string, positions: Position[], stored: Position | null): string | null {
  if (action === 'initialize' || action === 'leaseLost') return 'no checkpointer'
  if (said.sequenceNumber == null) return action === 'shardEnded' ? null : 'without a position'
  if (!isSequenceNumber(said.sequenceNumber)) return 'no position'
  const position = toPosition(said)
  if (!positions.some((other) => comparePositions(other, position) === 0)) return 'not in the batch'
  return stored !== null && comparePositions(position, stored) <= 0 ? 'stored already' : null
}

function neverSaid(): { transcript: Transcript; turn: Turn; said: Said; why: string }[] {
  return transcripts.flatMap((transcript) =>
    planOf(transcript).flatMap(({ turn, never }) => never.map((one) => ({ transcript, turn, ...one }))),
  )
}

// A sequence number alone means its first record, to the daemon and here.
function toPosition({ sequenceNumber, subSequenceNumber }: Said): Position {
  return { sequenceNumber: sequenceNumber ?? '', subSequenceNumber: subSequenceNumber ?? 0 }
}

function read(chunks: readonly Buffer[]): Promise<string[]> {
  const input = new PassThrough()
  const lines: string[] = []
  return new Promise((resolve, reject) => {
    const reader = new LineReader(input, {
      line: (bytes, from, to) => lines.push(bytes.toString('utf8', from, to)),
      end: (error) => (error === null ? resolve(lines) : reject(error)),
    })
    reader.start()
    for (const chunk of chunks) input.write(chunk)
    input.end()
  })
}
