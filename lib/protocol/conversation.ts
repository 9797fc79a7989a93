// One conversation with the daemon, without any I/O: it is handed lines and hands back events, it is asked for an
// acknowledgement or a checkpoint and hands back the text to write. It asks the table of states before it does
// either, and after the daemon's first mistake it stays failed and has nothing more to say.

import { DaemonProtocolError, UsageError } from '../errors.ts'
import type { CutLine } from './line.ts'
import {
  type ActionName,
  checkpointText,
  isSequenceNumber,
  type Message,
  type Position,
  parseMessage,
  statusText,
} from './messages.ts'
import { type ConversationInput, type ConversationState, TRANSITIONS } from './states.ts'

/** The protocol core: text in, events and text out. */
export class Conversation {
  #state: ConversationState = 'new'
  #action: { name: ActionName; wireName: string } | null = null

  get state(): ConversationState {
    return this.#state
  }

  /** The action that waits for our status, or null between actions. */
  get action(): ActionName | null {
    return this.#action?.name ?? null
  }

  /** Whether a checkpoint waits for the daemon's answer. */
  get awaitsAnswer(): boolean {
    return 'answer' in TRANSITIONS[this.#state]
  }

  /** Whether a checkpoint may be asked for now. */
  get allowsCheckpoint(): boolean {
    return 'checkpoint' in TRANSITIONS[this.#state]
  }

  /** Takes a line of the daemon. Throws DaemonProtocolError; the conversation has failed then. */
  receive(line: string | CutLine): Message {
    try {
      const message = parseMessage(line)
      const input = message.action === 'checkpoint' ? 'answer' : message.action
      const next = TRANSITIONS[this.#state][input]
      if (next === undefined) throw this.#outOfTurn(input)
      this.#state = next
      if (message.action !== 'checkpoint') {
        this.#action = { name: message.action, wireName: message.wireName }
      }
      return message
    } catch (error) {
      const first = this.#state === 'new'
      this.#state = 'failed'
      throw first && error instanceof DaemonProtocolError ? withHint(error) : error
    }
  }

  /** The daemon's pipe ended. Answers whether that was in the middle of an action, which fails the conversation. */
  end(): 'quiet' | 'in the middle of an action' {
    const next = TRANSITIONS[this.#state].end ?? this.#state
    this.#state = next
    return next === 'failed' ? 'in the middle of an action' : 'quiet'
  }

  /** The status for the action in hand. Throws UsageError when there is none, or a checkpoint waits for its answer. */
  acknowledge(): string {
    const action = this.#action
    this.#step('status')
    this.#action = null
    return statusText(action?.wireName ?? '')
  }

  /** The request to store a position, or with null the end of the shard. Throws UsageError where it is not allowed. */
  checkpoint(position: Position | null): string {
    if (position === null && this.#action?.name !== 'shardEnded') {
      throw new UsageError('A checkpoint names its position, except at the end of a shard.')
    }
    if (position !== null && !isSequenceNumber(position.sequenceNumber)) {
      throw new UsageError(
        `A checkpoint takes a sequence number of digits, not ${JSON.stringify(position.sequenceNumber)}.`,
      )
    }
    this.#step('checkpoint')
    return checkpointText(position)
  }

  /** Nothing more will be said, whatever the daemon sends. */
  fail(): void {
    this.#state = 'failed'
  }

  #step(input: ConversationInput): void {
    const next = TRANSITIONS[this.#state][input]
    if (next === undefined) {
      throw new UsageError(`A ${input} cannot be sent while the conversation is in "${this.#state}".`)
    }
    this.#state = next
  }

  #outOfTurn(input: ConversationInput): DaemonProtocolError {
    const what = input === 'answer' ? 'the answer to a checkpoint' : input
    const why =
      input === 'answer'
        ? 'no checkpoint was waiting for one'
        : this.#action === null
          ? `the conversation is in "${this.#state}"`
          : `${this.#action.name} had not been acknowledged`
    return new DaemonProtocolError(`The daemon sent ${what}, but ${why}. Nothing was answered.`)
  }
}

// Whoever pipes records into a consumer means something else.
function withHint(error: DaemonProtocolError): DaemonProtocolError {
  const hint =
    'If these are records of your own, try the consumer on them with: npx kcl-session dev --input events.ndjson -- node consumer.js'
  return new DaemonProtocolError(`${error.message} ${hint}`, { cause: error })
}
