// The action in hand, from its arrival to its status: the conversation, the streams it goes over, and in whose context
// the hooks of the actions run.

import { AsyncResource } from 'node:async_hooks'
import { Conversation } from '../protocol/conversation.ts'
import type { CutLine } from '../protocol/line.ts'
import type { ActionName, Message, Position, Shard } from '../protocol/messages.ts'
import { type HookOwner, perform } from './hooks.ts'

/** The streams that a loop speaks on. */
export interface Wire {
  /** Begins to read; called once. */
  start(): void
  /** `written` is called when the text is out. */
  write(text: string, written?: () => void): void
  /** Whether something of ours is a reason for the process to live. */
  hold(alive: boolean): void
  /** A status was written. */
  readonly acknowledged?: (() => void) | undefined
  /** Nothing more will be said. */
  over(): void
}

/** What the daemon says and what is said to it. */
export class Exchange {
  readonly #wire: Wire
  readonly #conversation = new Conversation()
  /** Deliveries whose status is out. */
  acknowledged = 0
  /** Whether the daemon has said anything. */
  heard = false
  #message: Message | null = null
  #shard: Shard | null = null
  #caller: AsyncResource | null = null

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** The action that waits for its status. */
  get message(): Message | null {
    return this.#message
  }

  /** Its name, as long as it can be answered. */
  get action(): ActionName | null {
    return this.#conversation.action
  }

  get shard(): Shard | null {
    return this.#shard
  }

  get started(): boolean {
    return this.#caller !== null
  }

  /** Whether a checkpoint waits for the daemon's answer. */
  get awaitsAnswer(): boolean {
    return this.#conversation.awaitsAnswer
  }

  get allowsCheckpoint(): boolean {
    return this.#conversation.allowsCheckpoint
  }

  /** Begins to read. Hooks run in the context of whoever calls this, not of whoever writes to the stream. */
  start(): void {
    this.#caller = new AsyncResource('KclSession')
    this.#wire.start()
  }

  /** Takes one line of the daemon. Throws DaemonProtocolError. */
  receive(line: string | CutLine): Message {
    this.heard = true
    const message = this.#conversation.receive(line)
    if (message.action === 'initialize') this.#shard = message.shard
    if (message.action !== 'checkpoint') this.#message = message
    return message
  }

  request(position: Position | null): void {
    this.#wire.write(this.#conversation.checkpoint(position))
  }

  /** Does what the action in hand calls for. A delivery with records calls for nothing more: the user has worked on it. */
  perform(owner: HookOwner): Promise<void> | void {
    const message = this.#message
    if (message === null || this.#shard === null || isRecords(message)) return
    return this.#caller?.runInAsyncScope(perform, undefined, message, this.#shard, owner)
  }

  acknowledge(): void {
    const written = this.#message !== null && isRecords(this.#message) ? this.#written : undefined
    this.#message = null
    this.#wire.write(this.#conversation.acknowledge(), written)
    this.#wire.acknowledged?.()
  }

  /** The daemon's pipe ended. Answers whether that was in the middle of an action. */
  end(): 'quiet' | 'in the middle of an action' {
    return this.#conversation.end()
  }

  /** Nothing more will be said, whatever the daemon sends. */
  silence(): void {
    this.#conversation.fail()
  }

  readonly #written = (): void => {
    this.acknowledged += 1
  }
}

/** Whether the user has work with a message. */
export function isRecords(message: Message): boolean {
  return message.action === 'processRecords' && message.records.length > 0
}
