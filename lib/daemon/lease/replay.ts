// Plays the daemon's side of a recorded conversation against a consumer, and finds the first line in which it answers
// otherwise than the recorded one did. Rule: the transcript decides; nothing is judged but the difference to it.

import type { ConsumerProtocol } from '../../children/command.ts'
import { Consumer } from '../../children/consumer.ts'
import { systemClock } from '../../time.ts'
import { checkpointLine, readConsumerLine } from '../conversation/messages.ts'
import { ELIDED, type TranscriptConversation, type TranscriptEntry } from '../conversation/transcript.ts'
import { endConsumer, howItEnded } from './end-consumer.ts'
import { Bell, within } from './waiting.ts'

/** The first difference between a consumer and the transcript. */
export interface Difference {
  /** Where in the transcript, from 1. */
  readonly line: number
  /** The recorded line, or what should have happened, in words. */
  readonly expected: string
  /** The consumer's line, or what it did instead. */
  readonly came: string
}

export interface ReplayOptions {
  readonly words: readonly string[]
  readonly protocol: ConsumerProtocol
  /** How long to wait for a line of the consumer, in milliseconds. */
  readonly timeout: number
  /** A line that the consumer wrote to standard error. */
  readonly onLog: (line: string) => void
}

/** What came of a replay: null where the consumer said the same. */
export interface ReplayResult {
  readonly difference: Difference | null
  readonly lastWords: readonly string[]
  /** How many lines of the consumer were compared. */
  readonly compared: number
}

/** Replays one conversation with a consumer of its own. */
export async function replay(
  conversation: TranscriptConversation,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const player = new Player(options)
  const difference = await player.play(conversation)
  await player.end()
  const more = difference === null ? player.more(conversation) : null
  return { difference: difference ?? more, lastWords: player.lastWords, compared: player.compared }
}

class Player {
  compared = 0
  readonly #options: ReplayOptions
  readonly #consumer: Consumer
  readonly #lines: string[] = []
  readonly #bell = new Bell()
  #outputEnded = false
  #inHand = false

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#consumer = new Consumer({
      words: options.words,
      protocol: options.protocol,
      onLine: (line) => {
        if (line.trim() !== '') this.#lines.push(line)
        this.#bell.ring()
      },
      onOutputEnd: () => {
        this.#outputEnded = true
        this.#bell.ring()
      },
      onLog: options.onLog,
      onInputClosed: () => {},
    })
  }

  get lastWords(): readonly string[] {
    return this.#consumer.lastWords
  }

  async play({ entries }: TranscriptConversation): Promise<Difference | null> {
    let gap = false
    for (const entry of entries) {
      if (entry.from === 'note') {
        if (!entry.text.includes('left out')) continue
        gap = true
        await this.#passOver()
      } else if (gap && !isAction(entry)) continue
      else {
        gap = false
        const difference = entry.from === 'daemon' ? this.#send(entry) : await this.#compare(entry)
        if (difference !== null) return difference
      }
    }
    return null
  }

  /** What the consumer said behind the last line that was recorded of it. */
  more({ entries }: TranscriptConversation): Difference | null {
    const last = entries.findLast((entry) => entry.from !== 'note')
    const [line] = this.#lines
    if (last?.from !== 'consumer' || line === undefined) return null
    return differs(last, 'nothing after this line', line)
  }

  end(): Promise<void> {
    return endConsumer(this.#consumer, systemClock, END_TIME)
  }

  #send(entry: TranscriptEntry): Difference | null {
    const early = this.#lines[0]
    if (early !== undefined) return differs(entry, "nothing before the daemon's next line", early)
    this.#inHand ||= isAction(entry)
    this.#consumer.send(entry.text.replaceAll(`"${ELIDED}"`, `"${STAND_IN}"`))
    return null
  }

  async #compare(entry: TranscriptEntry): Promise<Difference | null> {
    const line = await this.#nextLine()
    if (line === null) return differs(entry, entry.text, await this.#silence())
    if (!sameMessage(line, entry.text)) return differs(entry, entry.text, line)
    this.compared += 1
    if (isStatus(line)) this.#inHand = false
    return null
  }

  // Where lines were left out, the action in hand is brought to its end without a look at what is said.
  async #passOver(): Promise<void> {
    while (this.#inHand) {
      const line = await this.#nextLine()
      const read = line === null ? null : readConsumerLine(line)
      if (read?.kind === 'checkpoint') this.#consumer.send(checkpointLine(read, null))
      if (read === null || read.kind === 'status') this.#inHand = false
    }
  }

  async #nextLine(): Promise<string | null> {
    const late = systemClock.now() + this.#options.timeout
    while (this.#lines.length === 0 && !this.#outputEnded && systemClock.now() < late) {
      await within(systemClock, late - systemClock.now(), this.#bell.next())
    }
    return this.#lines.shift() ?? null
  }

  async #silence(): Promise<string> {
    if (!this.#outputEnded) return `nothing for ${this.#options.timeout / 1000} s`
    const exit = await within(systemClock, END_TIME, this.#consumer.exited)
    return exit === null ? 'it closed its output' : howItEnded(exit)
  }
}

function isAction(entry: TranscriptEntry): boolean {
  return entry.from === 'daemon' && !entry.text.startsWith('{"action":"checkpoint"')
}

function isStatus(line: string): boolean {
  return readConsumerLine(line).kind === 'status'
}

// Two lines say the same if they hold the same fields, in any order.
function sameMessage(a: string, b: string): boolean {
  const read = (line: string): string | null => {
    try {
      const message: unknown = JSON.parse(line)
      if (typeof message !== 'object' || message === null) return null
      return JSON.stringify(Object.entries(message).sort(([one], [other]) => (one < other ? -1 : 1)))
    } catch {
      return null
    }
  }
  return a === b || (read(a) !== null && read(a) === read(b))
}

function differs(entry: TranscriptEntry, expected: string, came: string): Difference {
  return { line: entry.number, expected, came }
}

// Data that were left out of a transcript come as the base64 of {}.
const STAND_IN = 'e30='
// How long a consumer may take to end, in milliseconds.
const END_TIME = 5000
