// What the catalogue says about one property.

/** What a property's value is, and so what counts as malformed. */
export type Kind =
  | 'text'
  | 'command'
  | 'integer'
  | 'long'
  | 'decimal'
  | 'boolean'
  | 'enum'
  | 'epochSeconds'
  | 'duration'
  | 'url'
  | 'region'
  | 'arn'
  | 'credentials'
  | 'list'
  | 'tags'
  /** Not a setter of the SDK's client builders: the daemon stops at it. */
  | 'unknownSetter'

/** One property: what it takes, what the daemon does without it, and what to know. */
export interface Entry {
  readonly kind: Kind
  /** What it does, in one sentence. */
  readonly note: string
  /** What the daemon does without it; absent where that is nothing, or told by the note. */
  readonly default?: string
  /** The words an enum takes; the daemon raises case itself. */
  readonly values?: readonly string[]
  /** The least and the most that the daemon works with: what it refuses at its start, dies of later, or waits for ever by. */
  readonly min?: number
  readonly max?: number
  /** Other spellings that set the same field. */
  readonly aliases?: readonly string[]
  /** Keys that share a field exclude each other. */
  readonly field?: string
  /** Java holds it as an object, so false and 0 can be told from "not set"; a primitive at 0 or false is not applied. */
  readonly boxed?: boolean
  /** What surprises people; printed by `--explain`. */
  readonly trap?: string
  /** Accepted, or known from other versions, and without effect: harmless, or worth a warning with this remedy. */
  readonly noEffect?: 'harmless' | { readonly remedy: string }
  /** A value goes to the log and to the screen masked. */
  readonly secret?: boolean
}
