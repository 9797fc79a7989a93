// An exhaustive search of our conversation together with the daemon's side of it, written down here once more and
// from daemon.md alone. Both are pure, so every interleaving of a bounded story can be walked through: two batches,
// one of them empty, checkpoints that are stored or refused, a shutdown, a lost lease, the end of the shard, in the
// words of today and of the 1.x daemons, and the death of the daemon at every point. Lines travel through queues.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../lib/errors.ts'
import { Conversation } from '../../lib/protocol/conversation.ts'

const CHECKPOINTS_PER_ACTION = 2
const POSITIONS: Readonly<Record<string, { sequenceNumber: string; subSequenceNumber: number } | null>> = {
  'checkpoint 1': { sequenceNumber: '1', subSequenceNumber: 0 },
  'checkpoint 2': { sequenceNumber: '2', subSequenceNumber: 0 },
  'checkpoint end': null,
}
const ANSWERS = ['null', 'RuntimeException', 'ShutdownException', 'InvalidStateException']
const STORY: Readonly<Record<string, object>> = {
  initialize: { action: 'initialize', shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' },
  batch: {
    action: 'processRecords',
    records: ['1', '2'].map((n) => ({ sequenceNumber: n, partitionKey: 'k' })),
  },
  empty: { action: 'processRecords', records: [] },
  shutdownRequested: { action: 'shutdownRequested' },
  leaseLost: { action: 'leaseLost' },
  shardEnded: { action: 'shardEnded' },
  terminate: { action: 'shutdown', reason: 'TERMINATE' },
  zombie: { action: 'shutdown', reason: 'ZOMBIE' },
}
const LAST = ['leaseLost', 'shardEnded', 'terminate', 'zombie']

test('no interleaving of our conversation and the daemon deadlocks, breaks the protocol or goes on for ever', (t) => {
  const search = { states: 0, moves: 0, ends: 0, deepest: 0 }
  const known = new Map<string, 'open' | 'done'>()
  const visit = (path: readonly string[]): void => {
    const world = replay(path)
    const key = world.key()
    assert.notEqual(known.get(key), 'open', `this path comes back to where it was: ${path.join(', ')}`)
    if (known.has(key)) return
    known.set(key, 'open')
    search.states += 1
    search.deepest = Math.max(search.deepest, path.length)
    world.checkRefusals(path)
    const moves = world.moves()
    if (moves.length === 0) {
      world.checkEnd(path)
      search.ends += 1
    }
    // The daemon may die at any time; that must never be the only way on before its story is over.
    assert.ok(moves.join() !== 'die' || world.daemon.mayEnd, `a deadlock after ${path.join(', ')}`)
    for (const move of moves) {
      search.moves += 1
      visit([...path, move])
    }
    known.set(key, 'done')
  }
  visit([])
  const { states, moves, ends, deepest } = search
  t.diagnostic(`${states} states, ${moves} moves, ${ends} ends, the longest path ${deepest} moves`)
  assert.ok(states > 1000 && ends > 10, 'the search is smaller than the story')
})

function replay(path: readonly string[]): World {
  const world = new World()
  for (const move of path) {
    try {
      world.make(move)
    } catch (error) {
      throw new Error(`${move} failed after ${path.join(', ')}`, { cause: error })
    }
  }
  return world
}

/** Both sides, and the lines between them. */
class World {
  readonly conversation: Conversation = new Conversation()
  readonly daemon: Daemon = new Daemon()
  readonly #toUs: string[] = []
  readonly #toDaemon: string[] = []
  #endSeen = false
  // What we know, told apart from the conversation: the action in hand, and a checkpoint that is not answered.
  #inHand: string | null = null
  #asked = false
  #checkpoints = 0

  key(): string {
    const { state, action } = this.conversation
    const ours = [state, action, this.#endSeen, this.#inHand, this.#asked, this.#checkpoints]
    return JSON.stringify([ours, this.daemon.snapshot(), this.#toUs, this.#toDaemon])
  }

  moves(): string[] {
    const moves = this.daemon.moves(this.#toDaemon.length > 0)
    if (this.#toUs.length > 0) moves.push('receive')
    else if (this.daemon.dead && !this.#endSeen) moves.push('receive the end')
    if (this.#mayAcknowledge()) moves.push('status')
    if (this.#checkpoints < CHECKPOINTS_PER_ACTION) {
      moves.push(...Object.keys(POSITIONS).filter((move) => this.#mayCheckpoint(move)))
    }
    return moves
  }

  make(move: string): void {
    if (move === 'receive') this.#receive(this.#toUs.shift() ?? '')
    else if (move === 'receive the end') this.#receiveEnd()
    else if (move === 'status') this.#acknowledge()
    else if (move in POSITIONS) this.#checkpoint(move)
    else this.#toUs.push(...this.daemon.make(move, this.#toDaemon))
  }

  /** What may not be said is refused, and changes nothing. */
  checkRefusals(path: readonly string[]): void {
    const { conversation } = this
    const before = conversation.state
    const where = `after ${path.join(', ')}`
    if (!this.#mayAcknowledge())
      assert.throws(() => conversation.acknowledge(), UsageError, `status ${where}`)
    for (const [move, position] of Object.entries(POSITIONS)) {
      if (this.#mayCheckpoint(move)) continue
      assert.throws(() => conversation.checkpoint(position), UsageError, `${move} ${where}`)
    }
    assert.equal(conversation.state, before, where)
  }

  checkEnd(path: readonly string[]): void {
    const where = `after ${path.join(', ')}`
    assert.ok(this.daemon.dead && this.#endSeen, `nothing can happen any more ${where}`)
    assert.equal(this.conversation.state, this.#inHand === null ? 'ended' : 'failed', where)
  }

  #mayAcknowledge(): boolean {
    return this.#inHand !== null && !this.#asked && !this.#endSeen
  }

  #mayCheckpoint(move: string): boolean {
    const { action } = this.conversation
    if (!this.#mayAcknowledge() || action === 'initialize' || action === 'leaseLost') return false
    return move !== 'checkpoint end' || action === 'shardEnded'
  }

  #receive(line: string): void {
    const message = this.conversation.receive(line)
    if (message.action === 'checkpoint') {
      this.#asked = false
      return
    }
    this.#inHand = message.wireName
    this.#checkpoints = 0
  }

  #receiveEnd(): void {
    const end = this.conversation.end()
    assert.equal(end, this.#inHand === null ? 'quiet' : 'in the middle of an action')
    this.#endSeen = true
  }

  #acknowledge(): void {
    this.#toDaemon.push(this.conversation.acknowledge())
    this.#inHand = null
  }

  #checkpoint(move: string): void {
    this.#toDaemon.push(this.conversation.checkpoint(POSITIONS[move] ?? null))
    this.#asked = true
    this.#checkpoints += 1
  }
}

/** The daemon's side: hands out one action at a time, answers checkpoints, and takes offence at whatever is wrong. */
class Daemon {
  dead = false
  readonly #told: string[] = []
  #action: string | null = null
  #wireName = ''
  #unanswered: object | null = null

  /** Whether its story is over, so that only the end is left. */
  get mayEnd(): boolean {
    return this.#action === null && LAST.includes(this.#told.at(-1) ?? '')
  }

  snapshot(): unknown {
    return [this.dead, [...this.#told].sort(), this.#told.at(-1), this.#action, this.#unanswered]
  }

  moves(hasLines: boolean): string[] {
    if (this.dead) return []
    const moves = ['die']
    if (this.#unanswered !== null) moves.push(...ANSWERS.map((exception) => `answer ${exception}`))
    else if (hasLines) moves.push('hear')
    if (this.#action === null && !hasLines) moves.push(...this.#nextActions())
    return moves
  }

  /** Makes a move; answers the lines that it sends. */
  make(move: string, lines: string[]): string[] {
    if (move === 'die') {
      this.dead = true
      lines.length = 0
    } else if (move === 'hear') {
      this.#hear(lines.shift() ?? '')
    } else if (move.startsWith('answer ')) {
      const exception = move.slice('answer '.length)
      const answer = { ...this.#unanswered, error: exception === 'null' ? null : exception }
      this.#unanswered = null
      return [JSON.stringify(answer)]
    } else {
      const message = STORY[move] as { action: string }
      this.#told.push(move)
      this.#action = move
      this.#wireName = message.action
      return [JSON.stringify(message)]
    }
    return []
  }

  #nextActions(): string[] {
    const last = this.#told.at(-1)
    if (last === undefined) return ['initialize']
    if (LAST.includes(last)) return []
    if (last === 'shutdownRequested') return ['leaseLost', 'zombie']
    return Object.keys(STORY).filter((name) => !this.#told.includes(name))
  }

  #hear(text: string): void {
    const [before, line = '', after, ...more] = text.split('\n')
    assert.deepEqual(
      [before, after, more],
      ['', '', []],
      'a message is one line, with a line end on either side',
    )
    const { action, ...fields } = JSON.parse(line) as Record<string, unknown>
    assert.notEqual(this.#action, null, `the daemon heard ${line} between two actions`)
    if (action === 'status') {
      assert.deepEqual(fields, { responseFor: this.#wireName })
      this.#action = null
    } else {
      assert.equal(action, 'checkpoint')
      const named = Object.keys(fields).join()
      const atShardEnd = this.#action === 'shardEnded' || this.#action === 'terminate'
      assert.ok(named === 'sequenceNumber,subSequenceNumber' || (named === '' && atShardEnd), line)
      const hasCheckpointer = !['initialize', 'leaseLost', 'zombie'].includes(this.#action ?? '')
      assert.ok(hasCheckpointer, `the daemon heard a checkpoint in ${this.#action}`)
      const { sequenceNumber = null, subSequenceNumber = null } = fields
      this.#unanswered = { action, sequenceNumber, subSequenceNumber }
    }
  }
}
