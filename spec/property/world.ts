// A session on pipes in memory, the user at one end and a model of the daemon at the other; what each does is decided
// step by step from outside. The world keeps its own account of what is finished, from the promise alone, and holds
// every line of the session against it.

import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import {
  ChannelClosedError,
  CheckpointError,
  type CheckpointPolicy,
  KclError,
  KclSession,
  type KinesisRecord,
  LeaseLostError,
  type Position,
  type RecordBatch,
  UsageError,
} from '../../lib/index.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { record as wireRecord } from '../helpers/wire.ts'

export type ActionName = 'initialize' | 'processRecords' | 'shutdownRequested' | 'shardEnded' | 'leaseLost'

/** What a run is about, besides its steps. */
export interface Setting {
  readonly policy: CheckpointPolicy
  /** The hook that throws, if any. */
  readonly broken: ActionName | null
  /** Whether the hooks leave a checkpoint of their own floating. */
  readonly hooksStore: boolean
}

const ABANDON_AFTER = 60_000

export class BrokenHook extends Error {}

/** A batch as the user has it: what was handed out, and what that finishes, by the rules of the promise. */
interface Hand {
  readonly batch: RecordBatch
  readonly account: Account
  over: boolean
  loop: 'none' | 'live' | 'left' | 'ended'
  inner: AsyncIterator<KinesisRecord> | null
  innerPending: boolean
  /** The index of the record in the user's hands. */
  current: number
}

/** A delivered batch. All counts are of records since the start of the shard. */
interface Account {
  readonly start: number
  readonly size: number
  finished: number
  attempts: number
  skipped: boolean
}

export class World {
  readonly clock: ManualClock = new ManualClock()
  readonly session: KclSession
  readonly #setting: Setting
  readonly #input = new PassThrough()
  readonly #open = new Set<string>()
  #opened = 0
  readonly #faults: unknown[] = []
  readonly #places = new Map<string, number>()

  // The daemon.
  action: ActionName | null = null
  asked: { line: Record<string, unknown>; upTo: number } | null = null
  dead = false
  started = false
  over = false
  shutdown = false
  #stored = 0
  #refused = false
  #delivered = 0
  #sequence = 0
  #silent = false
  #said = 0

  // The user.
  outer: AsyncIterator<RecordBatch> | null = null
  outerPending = false
  hand: Hand | null = null
  readonly earlier: Hand[] = []
  closed = false
  #account: Account | null = null
  #nextAsked = false
  #entered = false
  #explicitUpTo = 0
  // When a loop was last live, and since when a batch is in hand without one.
  #loopUntil = 0
  #heldSince: number | null = null
  #mayFail: string | null = null

  constructor(setting: Setting) {
    this.#setting = setting
    const hook = (name: ActionName) => async (context?: unknown) => {
      await setImmediate()
      const { checkpoint } = (context ?? {}) as { checkpoint?(): Promise<boolean> }
      if (setting.hooksStore && checkpoint !== undefined) {
        // With the lease lost, batches are acknowledged that nobody has finished.
        const upTo = this.lost ? 0 : this.finished
        this.#explicitUpTo = Math.max(this.#explicitUpTo, upTo)
        this.#watchCheckpoint('ctx.checkpoint()', upTo, checkpoint())
      }
      if (setting.broken !== name) return
      this.#mayFail ??= `the hook of ${name}`
      throw new BrokenHook(name)
    }
    this.session = new KclSession({
      input: this.#input,
      output: new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          this.#guard(() => this.#hear(chunk.toString()))
          done()
        },
      }),
      clock: this.clock,
      logger: false,
      policy: setting.policy,
      checkpointRetry: { attempts: 3, initialDelay: { seconds: 1 }, maxDelay: { seconds: 4 } },
      onInitialize: hook('initialize'),
      onShutdownRequested: hook('shutdownRequested'),
      onShardEnded: hook('shardEnded'),
      onLeaseLost: hook('leaseLost'),
    })
  }

  get lost(): boolean {
    return this.session.signal.aborted && this.session.signal.reason instanceof LeaseLostError
  }

  get open(): boolean {
    return this.session.state === 'open'
  }

  get finished(): number {
    return this.#account === null ? this.#delivered : this.#account.start + this.#account.finished
  }

  get said(): number {
    return this.#said
  }

  // The daemon's side, from daemon.md: one action at a time, one checkpoint at a time, each with its answer.

  send(action: ActionName, fields: object = {}): void {
    this.action = action
    this.started = true
    this.over ||= action === 'leaseLost' || action === 'shardEnded'
    this.shutdown ||= action === 'shutdownRequested'
    this.#refused = false
    this.#input.write(`${JSON.stringify({ action, ...fields })}\n`)
  }

  deliver(aggregates: readonly number[]): void {
    const records = aggregates.flatMap((size) => {
      this.#sequence += 1
      return Array.from({ length: size }, (_, sub) => wireRecord(this.#sequence, sub))
    })
    this.#account = { start: this.#delivered, size: records.length, finished: 0, attempts: 0, skipped: false }
    this.#nextAsked = false
    for (const record of records) {
      this.#delivered += 1
      this.#places.set(place(record), this.#delivered)
    }
    this.send('processRecords', { records, millisBehindLatest: 0 })
  }

  answer(error: string | null): void {
    if (this.asked === null) return
    const { line, upTo } = this.asked
    this.asked = null
    if (error === null) {
      this.#stored = upTo
      if (this.#account !== null) this.#finish(this.#account, upTo - this.#account.start)
    } else if (error !== 'ShutdownException') {
      this.#refused = true
      if (this.action === 'shardEnded') this.#mayFail ??= 'the end of the shard was refused'
    }
    const { sequenceNumber = null, subSequenceNumber = null } = line
    this.#input.write(
      `${JSON.stringify({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error })}\n`,
    )
  }

  end(): void {
    this.dead = true
    if (this.action !== null) this.#mayFail ??= 'the input ended'
    this.#input.end()
  }

  #hear(text: string): void {
    assert.match(text, /^\n[^\n]+\n$/)
    this.#said += 1
    assert.ok(!this.#silent, `after a failure the session said ${text.trim()}`)
    const line = JSON.parse(text) as Record<string, unknown>
    const keys = Object.keys(line).join()
    assert.equal(this.asked, null, `a checkpoint was not answered when the session said ${text.trim()}`)
    assert.notEqual(this.action, null, `no action was in hand when the session said ${text.trim()}`)
    if (line.action === 'status') {
      assert.equal(keys, 'action,responseFor')
      assert.equal(line.responseFor, this.action)
      this.#checkStatus()
      this.action = null
      this.#heldSince = null
      return
    }
    assert.equal(line.action, 'checkpoint')
    assert.ok(!this.lost, 'a checkpoint was asked for after the lease was lost')
    assert.ok(this.action !== 'initialize' && this.action !== 'leaseLost', `a checkpoint in ${this.action}`)
    if (keys === 'action') {
      assert.equal(this.action, 'shardEnded', 'a checkpoint without a position')
      this.asked = { line, upTo: Number.POSITIVE_INFINITY }
      return
    }
    assert.equal(keys, 'action,sequenceNumber,subSequenceNumber')
    const upTo = this.#places.get(place(line as unknown as Position)) ?? Number.NaN
    assert.ok(upTo <= this.#delivered, `a checkpoint at ${text.trim()}, which was not delivered`)
    assert.ok(upTo > this.#stored, `a checkpoint at record ${upTo}, with ${this.#stored} stored`)
    const allowed = Math.max(this.finished, this.#explicitUpTo)
    assert.ok(upTo <= allowed, `a checkpoint at record ${upTo}, with ${this.finished} finished`)
    this.asked = { line, upTo }
  }

  #checkStatus(): void {
    if (this.lost) return
    assert.ok(this.#entered, 'a status before any loop was live')
    const account = this.#account
    if (this.action === 'processRecords' && account !== null && account.size > 0) {
      assert.equal(account.finished, account.size, 'a status with records that are not finished')
      assert.ok(this.#nextAsked, 'a status before the next batch was asked for')
    }
    if (this.action === 'shardEnded') assert.equal(this.#stored, Number.POSITIVE_INFINITY)
    if (this.action === 'shutdownRequested' && this.#setting.policy.atShutdown !== false) {
      assert.ok(this.#stored >= this.finished || this.#refused, 'the drain did not store what was finished')
    }
  }

  // The user's side: the steps of for await, taken one by one.

  /** Asks for the next batch, as the head of the outer loop does. */
  next(): void {
    this.outer ??= this.session.batches()
    const { outer, hand } = this
    const account = this.#account
    this.#entered = true
    this.#heldSince = null
    this.outerPending = true
    this.#nextAsked = true
    if (hand !== null && account !== null) {
      const leftEarly = hand.loop === 'live' || hand.loop === 'left'
      // Once it was left early, only an explicit checkpoint can finish the rest.
      if (!leftEarly && !this.lost) this.#finish(account, account.size)
      this.#putAway()
    }
    const settled = (error?: unknown): void => {
      this.outerPending = false
      if (error !== undefined) {
        this.#nextAsked = false
        this.#loopUntil = this.clock.now()
        this.#checkLoopError(error, hand)
      }
      if (this.outer === outer) this.outer = null
    }
    this.#watch(
      'next batch',
      outer.next(),
      (result) => {
        if (result.done) settled()
        else if (this.outer === outer) this.#take(result.value)
        // It was handed out and left within one tick.
        else if (this.#account !== null) this.#account.attempts = result.value.attempt
      },
      settled,
    )
  }

  /** Leaves the outer loop, as break, return and throw do after leaving the inner one; a leaked inner loop goes on. */
  leave({ leak }: { leak: boolean }): void {
    const { outer, hand } = this
    if (outer === null) return
    if (!leak) this.leaveInner()
    this.outer = null
    this.#loopUntil = this.clock.now()
    if (hand !== null) this.#putAway()
    const { lost } = this
    this.#watch('return', Promise.resolve(outer.return?.()), () => {
      assert.ok(!lost || !this.open, 'a loop was left after the lease was lost, before the input ended')
    })
  }

  leaveInner(): void {
    const { hand } = this
    if (hand?.inner == null) return
    const { inner } = hand
    hand.inner = null
    if (hand.loop === 'live') hand.loop = 'left'
    this.#watch('inner return', Promise.resolve(inner.return?.()), () => {})
  }

  /** One step of the inner loop. */
  step(): void {
    const { hand } = this
    if (hand === null || hand.innerPending) return
    hand.inner ??= hand.batch[Symbol.asyncIterator]()
    const { inner, account } = hand
    if (hand.loop !== 'live') hand.current = -1
    if (hand.current >= 0 && this.open && !this.lost) this.#finish(account, hand.current + 1)
    hand.loop = 'live'
    hand.innerPending = true
    const asked = hand.current < 0 ? account.finished : hand.current + 1
    const ended = (): void => {
      hand.innerPending = false
      if (hand.inner === inner) hand.inner = null
      if (hand.loop === 'live') hand.loop = 'ended'
    }
    this.#watch(
      'next record',
      inner.next(),
      (result) => {
        // When the event loop was let turn first, an explicit checkpoint may have been stored in the meantime.
        const expected = hand.current < 0 ? account.finished : asked
        if (result.done) {
          const whole = account.skipped || asked === account.size || expected === account.size
          assert.ok(
            whole || this.lost || !this.open || hand.over || hand.inner !== inner,
            'the inner loop ended early',
          )
          ended()
          return
        }
        hand.innerPending = false
        const index = (this.#places.get(place(result.value)) ?? 0) - account.start - 1
        assert.ok(index === expected || index === asked, 'records out of order')
        hand.current = index
      },
      (error) => {
        ended()
        this.#checkBodyError(error, hand)
      },
    )
  }

  /** A step of an inner loop that outlived its attempt. */
  stepLeaked(hand: Hand): void {
    const { inner } = hand
    if (inner === null || hand.innerPending) return
    this.#watch(
      'leaked step',
      inner.next(),
      (result) => {
        assert.ok(result.done, 'a leaked loop was handed a record')
      },
      (error) => this.#checkBodyError(error, hand),
    )
  }

  skipRest(): void {
    const { hand } = this
    if (hand === null) return
    hand.account.skipped = true
    this.#finish(hand.account, hand.account.size)
    try {
      hand.batch.skipRest()
    } catch (error) {
      assert.ok(error instanceof UsageError && !this.open, `skipRest() threw ${error}`)
    }
  }

  /** Asks for a checkpoint: of the current place, or of the record at an index. */
  checkpoint(hand: Hand, index: number | null): void {
    // Once the lease is lost or the session failed, the loops end where they are, and what is current is anybody's guess.
    const meant = index ?? this.#meant(hand)
    const at = index === null ? undefined : hand.batch.records[index]
    const mayAsk = !hand.over || (at !== undefined && meant < hand.account.finished)
    if (mayAsk) this.#explicitUpTo = Math.max(this.#explicitUpTo, hand.account.start + meant + 1)
    this.#watchCheckpoint(
      `checkpoint(${index ?? ''})`,
      index === null && (this.lost || !this.open) ? 0 : hand.account.start + meant + 1,
      hand.batch.checkpoint(at),
      hand,
    )
  }

  close(): void {
    this.closed = true
    if (this.hand !== null) this.#putAway()
    this.#watch('close', this.session.close(), () => {})
  }

  pass(milliseconds: number): void {
    const now = this.clock.now() + milliseconds
    if (this.outer === null && now - this.#loopUntil >= ABANDON_AFTER) this.#mayFail ??= 'abandoned'
    const held = this.#heldSince !== null && now - this.#heldSince >= ABANDON_AFTER
    this.clock.advance(milliseconds)
    if (held && this.open && this.asked === null)
      this.#faults.push(new Error('a batch was left, and the shard is held silently'))
  }

  /** Comes to where batches are asked for: the beginning is short, and most runs should get past it. */
  async warmUp(): Promise<void> {
    this.next()
    this.send('initialize', { shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' })
    await this.settle()
  }

  /** Lets everything happen that can, and reports what went wrong so far. */
  async settle(): Promise<void> {
    for (let round = 0; round < 6; round += 1) await setImmediate()
    const turn = this.action === 'processRecords' && this.asked === null
    if (this.lost && this.open) {
      assert.ok(
        !turn || this.hand !== null,
        'the lease is lost, and what nobody works on is not acknowledged',
      )
      const waiting = [...this.#open].filter((name) => name.includes('checkpoint('))
      assert.deepEqual(waiting, [], 'the lease is lost, and these checkpoints still wait')
    }
    const held = turn && this.outer === null && this.#entered && this.open
    this.#heldSince = held ? (this.#heldSince ?? this.clock.now()) : null
    this.check()
  }

  check(): void {
    if (this.session.state === 'failed') {
      this.#silent = true
      if (this.#mayFail === null)
        this.#faults.push(new Error('the session failed', { cause: this.session.signal.reason }))
    }
    if (this.#faults.length > 0) throw this.#faults[0]
  }

  /** Plays the rest out: a user who does it right and a daemon that stores everything. All must come to its end. */
  async playOut(): Promise<void> {
    for (let round = 0; round < 200 && this.open && !this.dead; round += 1) {
      this.answer(null)
      if (this.outer === null || (this.hand !== null && this.hand.loop !== 'none')) {
        this.leave({ leak: false })
        this.next()
      } else if (!this.outerPending) this.next()
      await this.settle()
      if (this.action !== null || this.asked !== null) {
        this.clock.advance(4000)
        continue
      }
      if (!this.started) this.send('initialize', { shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' })
      else if (this.over) this.end()
      else if (this.shutdown) this.send('leaseLost')
      else this.send('shutdownRequested')
      await this.settle()
    }
    // The input is not read before the first loop.
    if (this.open && !this.#entered) this.next()
    if (!this.dead) this.end()
    await this.settle()
    assert.notEqual(this.session.state, 'open', 'the session did not end with its input')
    assert.deepEqual([...this.#open], [], 'these promises never settled')
    if (this.#mayFail === null && !this.closed)
      assert.equal(this.action, null, `${this.action} was never acknowledged`)
    await this.session.close()
  }

  #take(batch: RecordBatch): void {
    this.outerPending = false
    this.#nextAsked = false
    const account = this.#account
    assert.ok(account !== null && account.size > 0, 'a batch was handed out that is not in hand')
    assert.ok(!this.lost, 'a batch was handed out after the lease was lost')
    account.attempts += 1
    assert.equal(batch.attempt, account.attempts)
    assert.equal(batch.records.length, account.size)
    this.hand = { batch, account, over: false, loop: 'none', inner: null, innerPending: false, current: -1 }
  }

  #putAway(): void {
    if (this.hand === null) return
    this.hand.over = true
    this.earlier.push(this.hand)
    this.hand = null
  }

  #finish(account: Account, count: number): void {
    account.finished = Math.min(account.size, Math.max(account.finished, count))
  }

  #meant({ account, loop, current }: Hand): number {
    if (account.skipped || loop === 'none' || loop === 'ended') return account.size - 1
    return loop === 'live' && current >= 0 ? current : account.finished - 1
  }

  #watchCheckpoint(name: string, upTo: number, promise: Promise<boolean>, hand?: Hand): void {
    this.#watch(
      name,
      promise,
      (stored) => {
        if (stored)
          assert.ok(this.#stored >= upTo, `${name} at record ${upTo} said true with ${this.#stored} stored`)
        else assert.ok(this.lost, `${name} said false, and the lease is not lost`)
      },
      (error) => {
        if (error instanceof CheckpointError) assert.ok(this.#refused || this.action === null, `${error}`)
        else if (error instanceof UsageError) assert.ok(hand?.over || !this.open, `${error}`)
        else assert.ok(error instanceof ChannelClosedError && !this.open, `${error}`)
      },
    )
  }

  #checkLoopError(error: unknown, hand: Hand | null): void {
    if (error instanceof BrokenHook || !this.open) return
    assert.ok(error instanceof UsageError, `${error}`)
    assert.match(error.message, /left early/)
    assert.ok(hand?.loop === 'live' || hand?.loop === 'left', 'a loop was ended for leaving a batch early')
  }

  #checkBodyError(error: unknown, hand: Hand): void {
    if (error instanceof BrokenHook || !this.open) return
    assert.ok(error instanceof UsageError && hand.over, `${error}`)
  }

  #watch<T>(
    name: string,
    promise: Promise<T>,
    then: (value: T) => void,
    fail?: (error: unknown) => void,
  ): void {
    this.#opened += 1
    const label = `${name} ${this.#opened}`
    this.#open.add(label)
    promise.then(
      (value) => this.#guard(() => this.#open.delete(label) && then(value)),
      (error: unknown) =>
        this.#guard(() => {
          this.#open.delete(label)
          if (!(error instanceof KclError) && !(error instanceof BrokenHook)) throw error
          assert.ok(fail, `${name} rejected with ${error}`)
          fail(error)
        }),
    )
  }

  // What goes wrong inside a callback is told by the next check.
  #guard(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.#faults.push(error)
    }
  }
}

function place({ sequenceNumber, subSequenceNumber }: Position): string {
  return `${sequenceNumber}/${subSequenceNumber}`
}
