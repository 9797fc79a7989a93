// Every interleaving of a short story with batches of one's own size: three deliveries, one of them empty, a batch of
// three records at most, a wait, an error that leaves the loop, a refused and a stored checkpoint, and each of the
// ways in which a shard is given up; the user and the daemon take their steps in every order there is.

import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { everyRecords, KclSession, type KinesisRecord, type RecordBatch } from '../../lib/index.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { record as wireRecord } from '../helpers/wire.ts'

const MOST = 3
const WAIT = 1000
const DELIVERIES: Readonly<Record<string, number>> = {
  'deliver two': 2,
  'deliver none': 0,
  'deliver four': 4,
}
// An error that is no refusal for good comes again after the retry's delay, which is shorter than the wait.
const ANSWERS: Readonly<Record<string, string | null>> = {
  stored: null,
  throttled: 'ThrottlingException',
  'refused as lost': 'ShutdownException',
}
const ENDINGS = ['shutdownRequested', 'shardEnded', 'leaseLost']

test('in every order of deliveries, waits, steps and endings, batches of one’s own size keep the promise', async (t) => {
  t.mock.method(process.stderr, 'write', () => true)
  const known = new Set<string>()
  const search = { states: 0, ends: 0, longest: 0, cuts: new Set<string>() }
  const paths: (readonly string[])[] = [[]]
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const world = new World()
    await world.settle()
    for (const move of path) await world.make(move, path)
    // On along the first move, as far as it leads to where nobody was; the others are for later.
    while (!known.has(world.key())) {
      known.add(world.key())
      search.states += 1
      search.longest = Math.max(search.longest, path.length)
      search.cuts.add(world.cuts.join())
      const [first, ...others] = world.moves()
      if (first === undefined) {
        search.ends += 1
        world.checkEnd(path)
        break
      }
      for (const move of others) paths.push([...path, move])
      path = [...path, first]
      await world.make(first, path)
    }
    await world.session.close()
  }
  const { states, ends, longest, cuts } = search
  t.diagnostic(`${states} states, ${ends} ends, the longest path ${longest} moves, ${cuts.size} ways to cut`)
  assert.ok(states > 1000 && ends > 20 && cuts.size > 5, 'the search is smaller than the story')
})

/** A session, its user and its daemon; and what both know, told apart from the session. */
class World {
  readonly clock: ManualClock = new ManualClock()
  readonly session: KclSession
  /** The sizes of the batches that were handed out. */
  readonly cuts: number[] = []
  readonly #input = new PassThrough()
  readonly #told: string[] = []
  readonly #faults: unknown[] = []
  #action: string | null = 'initialize'
  #asked: { readonly line: object; readonly through: number } | null = null
  #delivered = 0
  #finished = 0
  #stored = 0
  #lost = false
  // A checkpoint was throttled, and its retry is not due yet.
  #throttled = false
  #waits = 0
  /** Records of these numbers have waited long enough. */
  #due = 0
  #outer: AsyncIterator<RecordBatch> | null = null
  #pending = false
  #hand: { readonly batch: RecordBatch; readonly from: number; readonly to: number } | null = null
  #inner: Iterator<KinesisRecord> | null = null
  /** The number of the record in hand. */
  #current: number | null = null
  #left: { readonly from: number; readonly to: number; readonly attempt: number } | null = null
  #thrown = false

  constructor() {
    this.session = new KclSession({
      input: this.#input,
      output: new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          this.#guard(() => this.#hear(JSON.parse(chunk.toString()) as Record<string, unknown>))
          done()
        },
      }),
      clock: this.clock,
      logger: false,
      policy: everyRecords(2),
      checkpointRetry: { attempts: 5, initialDelay: { milliseconds: 1 }, maxDelay: { milliseconds: 1 } },
    })
    this.#next()
    this.#say('initialize', { shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' })
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 6; turn += 1) await setImmediate()
    if (this.#faults.length > 0) throw this.#faults[0]
    // A batch is due when it is full, when its first record has waited, and when nothing more can come.
    const waiting = this.#delivered - (this.#hand?.to ?? this.#finished)
    const isDue = waiting >= MOST || this.#due > this.#finished || this.#isEnding()
    const mayWait = this.#lost || this.#asked !== null || this.#throttled
    assert.ok(!(this.#pending && waiting > 0 && isDue && !mayWait), 'a batch is due, and was not handed out')
    assert.ok(this.#pending || this.#hand !== null || this.session.state !== 'open' || this.#outer === null)
    // Memory: what is not finished fits a full batch and one delivery.
    assert.ok(this.#delivered - this.#finished <= MOST + 4, 'more than a full batch and a delivery are held')
  }

  key(): string {
    const hand = this.#hand && [
      this.#hand.from,
      this.#hand.to,
      this.#hand.batch.attempt,
      this.#inner !== null,
    ]
    const user = [this.#pending, hand, this.#left, this.#thrown, this.#finished, this.#outer !== null]
    const time = [this.#waits, this.#due, this.#throttled]
    const daemon = [
      [...this.#told].sort(),
      this.#told.at(-1),
      this.#action,
      this.#asked?.through,
      this.#stored,
    ]
    return JSON.stringify([user, time, daemon, this.#lost, this.session.state])
  }

  moves(): string[] {
    if (this.session.state !== 'open') return []
    const moves: string[] = []
    if (this.#asked !== null) {
      moves.push('stored')
      if (!this.#told.includes('throttled')) moves.push('throttled')
      if (!this.#lost && !this.#told.includes('refused as lost')) moves.push('refused as lost')
    } else if (this.#action === null) moves.push(...this.#actions())
    // Once nobody has anything else to do, time is all there is.
    if (this.#waits < 2 || (this.#throttled && this.#asked === null)) moves.push('wait')
    if (this.#hand !== null) {
      moves.push('step')
      if (!this.#thrown) moves.push('throw')
    } else if (!this.#pending) moves.push('ask')
    return moves
  }

  /** Makes a move, the last or another of this path, and lets everything happen that can. */
  async make(move: string, path: readonly string[]): Promise<void> {
    try {
      this.#make(move)
      await this.settle()
    } catch (error) {
      throw new Error(`${move} failed in ${path.join(', ')}`, { cause: error })
    }
  }

  #make(move: string): void {
    this.#told.push(...(move === 'step' || move === 'ask' || move === 'wait' ? [] : [move]))
    if (move in ANSWERS) this.#answer(ANSWERS[move] ?? null)
    else if (move in DELIVERIES) this.#deliver(DELIVERIES[move] ?? 0)
    else if (move === 'wait') this.#wait()
    else if (move === 'ask') this.#next()
    else if (move === 'step') this.#step()
    else if (move === 'throw') this.#leave()
    else if (move === 'end') this.#input.end()
    else {
      this.#lost ||= move === 'leaseLost' && !this.#told.includes('shutdownRequested')
      this.#say(move)
    }
  }

  checkEnd(path: readonly string[]): void {
    const where = `after ${path.join(', ')}`
    assert.equal(this.session.state, 'ended', where)
    if (this.#lost) return
    assert.equal(this.#finished, this.#delivered, `records were lost ${where}`)
    assert.equal(this.#stored, this.#delivered, `records were not stored ${where}`)
  }

  #isEnding(): boolean {
    return this.#action === 'shutdownRequested' || this.#action === 'shardEnded'
  }

  #actions(): string[] {
    const last = this.#told.filter((move) => ENDINGS.includes(move)).at(-1)
    if (last === 'shutdownRequested') return ['leaseLost']
    if (last !== undefined) return ['end']
    const deliveries = Object.keys(DELIVERIES).filter((move) => !this.#told.includes(move))
    return this.#lost ? ['leaseLost'] : [...deliveries, ...ENDINGS]
  }

  #say(action: string, fields: object = {}): void {
    this.#action = action
    this.#input.write(`${JSON.stringify({ action, ...fields })}\n`)
  }

  #deliver(count: number): void {
    const records = Array.from({ length: count }, (_, index) => wireRecord(this.#delivered + index + 1))
    this.#delivered += count
    this.#say('processRecords', { records, millisBehindLatest: 0 })
  }

  #answer(error: string | null): void {
    if (this.#asked === null) return
    const { line, through } = this.#asked
    this.#asked = null
    if (error === null) this.#stored = through
    this.#throttled = error === 'ThrottlingException'
    this.#lost ||= error === 'ShutdownException'
    this.#input.write(`${JSON.stringify({ ...line, error })}\n`)
  }

  #wait(): void {
    this.#waits += 1
    this.#throttled = false
    this.#due = this.#delivered
    this.clock.advance(WAIT)
  }

  #next(): void {
    this.#outer ??= this.session.batches({ maxRecords: MOST, maxWait: { milliseconds: WAIT } })
    const outer = this.#outer
    if (this.#hand !== null) this.#finished = Math.max(this.#finished, this.#hand.to)
    this.#hand = null
    this.#inner = null
    this.#pending = true
    outer.next().then(
      (result) => this.#guard(() => (result.done ? this.#over(outer) : this.#take(result.value))),
      (error: unknown) => this.#faults.push(error),
    )
  }

  #over(outer: AsyncIterator<RecordBatch>): void {
    this.#pending = false
    if (this.#outer === outer) this.#outer = null
    assert.notEqual(this.session.state, 'open', 'the loop is over, and the session is open')
  }

  #take(batch: RecordBatch): void {
    this.#pending = false
    assert.ok(!this.#lost, 'a batch was handed out after the lease was lost')
    const numbers = batch.window.records.map(({ sequenceNumber }) => Number(sequenceNumber))
    const from = (numbers[0] ?? 0) - 1
    const to = from + numbers.length
    assert.ok(numbers.length >= 1 && numbers.length <= MOST)
    if (this.#left === null) {
      assert.equal(from, this.#finished, 'the next records, in order')
      assert.equal(batch.attempt, 1)
      const isFull = numbers.length === MOST
      assert.ok(isFull || this.#due > from || this.#isEnding(), `${numbers.length} records, too early`)
      this.cuts.push(numbers.length)
    } else {
      assert.deepEqual({ from, to, attempt: batch.attempt - 1 }, this.#left, 'the same records come again')
    }
    this.#hand = { batch, from, to }
  }

  // Asks for the next record, or at the end of the batch for the next batch, as two loops do.
  #step(): void {
    const { batch } = this.#hand ?? {}
    if (batch === undefined) return
    const wasLost = this.#lost
    this.#inner ??= batch[Symbol.iterator]()
    // What was in hand is finished by asking: the account must be ahead of the session.
    const before = this.#finished
    if (this.#current !== null && !wasLost) this.#finished = Math.max(this.#finished, this.#current)
    const result = this.#inner.next()
    if (!result.done) {
      this.#current = Number(result.value.sequenceNumber)
      assert.equal(this.#current, this.#finished + 1, 'records one after the other')
      return
    }
    this.#current = null
    assert.ok(wasLost || this.#finished >= before)
    this.#left = null
    this.#next()
  }

  // An error in the body: both loops are left, and begun again by whoever caught it.
  #leave(): void {
    const { batch, from, to } = this.#hand ?? {}
    if (batch === undefined || from === undefined || to === undefined) return
    this.#thrown = true
    this.#inner?.return?.()
    this.#inner = null
    this.#current = null
    this.#left = { from, to, attempt: batch.attempt }
    this.#hand = null
    const outer = this.#outer
    this.#outer = null
    outer?.return?.().catch((error: unknown) => this.#faults.push(error))
  }

  #hear(line: Record<string, unknown>): void {
    assert.equal(this.#asked, null, 'a checkpoint was not answered')
    assert.notEqual(this.#action, null, `no action was in hand when the session said ${JSON.stringify(line)}`)
    if (line.action === 'checkpoint') {
      const isEnd = line.sequenceNumber === undefined
      const through = isEnd ? this.#delivered : Number(line.sequenceNumber)
      assert.ok(!this.#lost, 'a checkpoint was asked for after the lease was lost')
      assert.ok(through <= this.#finished, `a checkpoint at ${through}, with ${this.#finished} finished`)
      assert.ok(isEnd ? this.#action === 'shardEnded' : through > this.#stored)
      this.#asked = { line, through }
      return
    }
    assert.equal(line.responseFor, this.#action)
    if (!this.#lost && this.#isEnding()) {
      assert.equal(this.#finished, this.#delivered, `${this.#action} with records that are not finished`)
      assert.equal(this.#stored, this.#delivered, `${this.#action} with records that are not stored`)
    }
    this.#action = null
  }

  #guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#faults.push(error)
    }
  }
}
