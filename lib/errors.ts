// Every error that the package throws. A `code` never changes once published; texts may.
// A text names the method, what was wrong and what to do about it.

/** Any error of this package. `code` is stable, and so fit for `switch`. */
export abstract class KclError extends Error {
  abstract readonly code: string

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    // On the prototype it would print as "Error": Node prints a stack that was captured before a field is set.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true })
  }
}

/** The caller broke a rule of the API: a wrong argument, a second loop, a batch that was left early. */
export class UsageError extends KclError {
  readonly code = 'KCL_USAGE'
}

/** The daemon broke the protocol, or speaks one that this version does not know. Nothing was acknowledged. */
export class DaemonProtocolError extends KclError {
  readonly code = 'KCL_DAEMON_PROTOCOL'
}

/** The daemon refused a checkpoint for good, or every try of `checkpointRetry` was used up. */
export class CheckpointError extends KclError {
  readonly code = 'KCL_CHECKPOINT'
  /** The simple class name of the daemon's exception, such as `ThrottlingException`. */
  readonly exception: string
  /** Whether another try may succeed: the daemon's tables were busy or away. */
  readonly retryable: boolean
  /** The position that was refused, or null for the end of the shard. */
  readonly position: ErrorPosition | null

  constructor(
    message: string,
    details: { exception: string; retryable: boolean; position: ErrorPosition | null },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.exception = details.exception
    this.retryable = details.retryable
    this.position = details.position
  }
}

/** Another worker owns the shard now. Ordinary: stop work on this shard, nothing more can be stored for it. */
export class LeaseLostError extends KclError {
  readonly code = 'KCL_LEASE_LOST'
}

/** The pipe to the daemon ended or broke. What was not acknowledged will be delivered again. */
export class ChannelClosedError extends KclError {
  readonly code = 'KCL_CHANNEL_CLOSED'
}

/** The data of a record are not JSON, or do not fit the schema. `cause` is what the parser or the schema threw. */
export class RecordError extends KclError {
  readonly code = 'KCL_RECORD'
  /** Where the record stands. */
  readonly position: ErrorPosition
  /** What does not fit the schema; empty where the data are not JSON, or a function threw something else. */
  readonly issues: readonly RecordIssue[]

  constructor(
    message: string,
    details: { position: ErrorPosition; issues: readonly RecordIssue[] },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.position = details.position
    this.issues = details.issues
  }
}

// A Position and a SchemaIssue, in the words of rooms that lie above this one.
interface RecordIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
interface ErrorPosition {
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
}
