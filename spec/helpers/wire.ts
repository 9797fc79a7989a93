// The daemon's end of the wire, word by word: for specs that say exactly what it says, the illegal included.

import { PassThrough } from 'node:stream'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { KclSession, type KclSessionOptions } from '../../lib/index.ts'
import type { WireRecord } from '../../lib/protocol/messages.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

export type Said = { action: string } & Record<string, unknown>

/** A session on streams in memory, and the far end of them. The session is closed when the test ends. */
export class Wire {
  readonly clock: ManualClock = new ManualClock()
  readonly input: PassThrough = new PassThrough()
  readonly output: PassThrough = new PassThrough()
  readonly session: KclSession
  readonly #lines: string[] = []
  /** What the session told the operator on stderr. */
  readonly notices: string[] = []
  #waiting: (() => void)[] = []
  outputEnded = false

  constructor(t: TestContext, options: KclSessionOptions = {}) {
    this.output.setEncoding('utf8')
    let rest = ''
    this.output.on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      this.#lines.push(...parts.filter((line) => line !== ''))
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.output.on('end', () => {
      this.outputEnded = true
    })
    const write = process.stderr.write.bind(process.stderr) as (...args: unknown[]) => boolean
    t.mock.method(process.stderr, 'write', (...args: unknown[]) => {
      if (!String(args[0]).startsWith('kcl-session:')) return write(...args)
      return this.notices.push(String(args[0])) > 0
    })
    const { input, output, clock } = this
    this.session = new KclSession({ logger: false, clock, ...options, input, output })
    t.after(() => this.session.close())
  }

  /** Writes a line to the session: an object as JSON, or a text as it is. */
  say(line: object | string): void {
    this.input.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  /** The session's next line, as an object. */
  async said(): Promise<Said> {
    while (this.#lines.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return JSON.parse(this.#lines.shift() ?? 'null') as Said
  }

  /** What the session has said by the time everything that can happen now has happened. */
  async heard(): Promise<Said[]> {
    await settle()
    return this.#lines.splice(0).map((line) => JSON.parse(line) as Said)
  }

  initialize(sequenceNumber = 'TRIM_HORIZON', subSequenceNumber = 0): void {
    this.say({ action: 'initialize', shardId: SHARD, sequenceNumber, subSequenceNumber })
  }

  deliver(records: readonly WireRecord[], millisBehindLatest: number | null = 0): void {
    this.say({ action: 'processRecords', records, millisBehindLatest })
  }

  /** Answers the checkpoint that the session asked for last, echoing it. */
  answer(
    { sequenceNumber = null, subSequenceNumber = null }: Partial<Said>,
    error: string | null = null,
  ): void {
    this.say({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error })
  }

  end(): void {
    this.input.end()
  }
}

/** Records that stand at the positions `from`, `from + 1` … with the data "record N". */
export function records(count: number, from = 1): WireRecord[] {
  return Array.from({ length: count }, (_, index) => record(from + index))
}

export function record(number: number, subSequenceNumber = 0, text = `record ${number}`): WireRecord {
  return {
    data: Buffer.from(text).toString('base64'),
    partitionKey: `key ${number}`,
    sequenceNumber: String(number),
    approximateArrivalTimestamp: 1_700_000_000_000 + number,
    subSequenceNumber,
  }
}

export const SHARD = 'shardId-000000000000'
export const status = (responseFor: string): Said => ({ action: 'status', responseFor })
export const checkpoint = (number: number, subSequenceNumber = 0): Said => ({
  action: 'checkpoint',
  sequenceNumber: String(number),
  subSequenceNumber,
})

/** Lets everything happen that needs no more input. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await setImmediate()
}
