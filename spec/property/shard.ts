// A user of batches of one's own size, or of many handlers at once, against a daemon that does as it likes; on streams
// in memory and a clock that moves by hand. Everything that the session says is held against what the user has finished.

import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { KclSession, type KclSessionOptions, type KinesisRecord } from '../../lib/index.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { record as wireRecord } from '../helpers/wire.ts'

/** How the daemon plays its part. */
export interface Story {
  /** Sizes of the deliveries; 0 is an empty one. */
  readonly deliveries: readonly number[]
  readonly keys: number
  readonly ending: 'shutdown' | 'shardEnded' | 'leaseLost' | 'refused as lost'
  /** Which checkpoints are refused, by turns. */
  readonly refusals: readonly boolean[]
  readonly seed: number
}

export const stories: fc.Arbitrary<Story> = fc.record({
  deliveries: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 12 }),
  keys: fc.integer({ min: 1, max: 6 }),
  ending: fc.constantFrom('shutdown', 'shutdown', 'shardEnded', 'shardEnded', 'leaseLost', 'refused as lost'),
  refusals: fc.array(fc.boolean(), { maxLength: 6 }),
  seed: fc.nat(),
})

/** One shard's story, and the account of what its user has finished. */
export class Shard {
  readonly clock: ManualClock = new ManualClock()
  readonly session: KclSession
  readonly finished: Set<number> = new Set()
  delivered = 0
  stored = 0
  lost = false
  over = false
  readonly #story: Story
  readonly #input = new PassThrough()
  readonly #acknowledgesWhole: boolean
  #random: number
  #action: string | null = null
  #asked: { line: object; through: number } | null = null
  #refused = 0
  #turn = 0

  /** With `acknowledgesWhole` a delivery may be acknowledged only when all its records are finished. */
  constructor(story: Story, options: KclSessionOptions, acknowledgesWhole: boolean) {
    this.#story = story
    this.#random = story.seed
    this.#acknowledgesWhole = acknowledgesWhole
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#hear(JSON.parse(chunk.toString()) as Record<string, unknown>)
        done()
      },
    })
    this.session = new KclSession({
      logger: false,
      clock: this.clock,
      checkpointRetry: { attempts: 20, initialDelay: { milliseconds: 5 }, maxDelay: { milliseconds: 20 } },
      ...options,
      input: this.#input,
      output,
    })
  }

  /** A number from 0 to below `limit`, of this story's own. */
  random(limit: number): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((this.#random / 2 ** 31) * limit)
  }

  /** Every record before the first that is not finished. */
  get watermark(): number {
    let mark = 0
    while (this.finished.has(mark + 1)) mark += 1
    return mark
  }

  /** Plays the story to its end, while `user` works. */
  async play(user: Promise<unknown>): Promise<void> {
    let done = false
    let failure: unknown
    user.then(
      () => {
        done = true
      },
      (error: unknown) => {
        failure = error
        done = true
      },
    )
    for (let round = 0; !done; round += 1) {
      assert.ok(
        round < 5000,
        `nothing goes on: ${this.#action ?? 'between actions'}, ${this.finished.size} of ${this.delivered}`,
      )
      for (let turn = 0; turn < 3; turn += 1) await setImmediate()
      if (this.#asked !== null) this.#answer()
      else if (this.#action === null && !this.over) this.#next()
      else this.clock.advance(1 + this.random(5))
    }
    await this.session.close()
    if (failure !== undefined) throw failure
    const { ending } = this.#story
    if (this.lost) return
    assert.equal(this.finished.size, this.delivered, 'records were lost')
    assert.ok(
      ending === 'leaseLost' || this.stored >= this.delivered,
      `${this.stored} of ${this.delivered} stored`,
    )
  }

  #next(): void {
    const { deliveries, ending, keys } = this.#story
    const endings = { shutdown: ['shutdownRequested', 'leaseLost'], shardEnded: ['shardEnded'] } as const
    const last = ending === 'shutdown' || ending === 'shardEnded' ? endings[ending] : ['leaseLost']
    const turn = this.#turn
    this.#turn += 1
    if (turn === 0) {
      this.#say('initialize', { shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' })
    } else if (turn <= deliveries.length) {
      const from = this.delivered + 1
      const count = deliveries[turn - 1] ?? 0
      const records = Array.from({ length: count }, (_, index) => ({
        ...wireRecord(from + index),
        partitionKey: `key ${this.random(keys)}`,
      }))
      this.delivered += count
      this.#say('processRecords', { records, millisBehindLatest: 0 })
    } else {
      const action = last[turn - deliveries.length - 1]
      if (action === 'leaseLost') this.lost ||= ending !== 'shutdown'
      if (action === undefined) {
        this.over = true
        this.#input.end()
      } else this.#say(action)
    }
  }

  #say(action: string, fields: object = {}): void {
    this.#action = action
    this.#input.write(`${JSON.stringify({ action, ...fields })}\n`)
  }

  #answer(): void {
    const asked = this.#asked
    if (asked === null) return
    this.#asked = null
    const late = this.#turn > this.#story.deliveries.length / 2
    let error: string | null = null
    if (this.#story.ending === 'refused as lost' && late) {
      error = 'ShutdownException'
      this.lost = true
    } else if (this.#story.refusals[this.#refused]) error = 'ThrottlingException'
    else this.stored = asked.through
    this.#refused += 1
    this.#input.write(`${JSON.stringify({ ...asked.line, action: 'checkpoint', error })}\n`)
  }

  #hear(line: Record<string, unknown>): void {
    assert.equal(this.#asked, null, 'a checkpoint was not answered')
    if (line.action === 'checkpoint') {
      const through = line.sequenceNumber === undefined ? this.delivered : Number(line.sequenceNumber)
      assert.ok(!this.lost, 'a checkpoint was asked for after the lease was lost')
      assert.ok(
        through <= this.watermark,
        `a checkpoint at ${through}, with all before ${this.watermark} finished`,
      )
      assert.ok(through > this.stored || line.sequenceNumber === undefined)
      this.#asked = { line, through }
      return
    }
    assert.equal(line.responseFor, this.#action)
    if (!this.lost) {
      const whole = this.#action !== 'processRecords' || this.#acknowledgesWhole
      if (whole && this.#action !== 'initialize') {
        assert.equal(
          this.watermark,
          this.delivered,
          `${this.#action} was acknowledged with records that are not finished`,
        )
      }
      if (this.#action === 'shutdownRequested') assert.equal(this.stored, this.delivered)
    }
    this.#action = null
  }
}

/** The number that a record was given by its story. */
export function numberOf(record: KinesisRecord): number {
  return Number(record.sequenceNumber)
}
