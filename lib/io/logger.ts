// What a logger is, and what other people's want said differently: pino takes the details before the text, and has its own key for
// an error; winston prints errors among the details as empty objects. Any other logger gets text and details as they are.

/** Where a session tells what happens: `console`, pino, winston, or what has these methods. */
export interface Logger {
  /** Every line of the protocol. */
  debug(message: string, details?: object): void
  /** The ordinary turns of a shard: it begins, a position is stored, the lease is lost. */
  info(message: string, details?: object): void
  /** What somebody should see to: no progress, a record skipped, a checkpoint given up. */
  warn(message: string, details?: object): void
  /** What failed for good. */
  error(message: string, details?: object): void
}

/** How much an event matters. */
export type Level = keyof Logger

/** A log method that takes text and details in our order. */
export type LogMethod = (message: string, details: object) => unknown

/** The method of the user's logger for a level, in our order. */
export function methodOf(logger: Logger, level: Level): LogMethod {
  if (isPino(logger)) {
    // Looked up at each call: it changes with the level.
    const pino = logger as unknown as Record<Level, (details: object, message: string) => unknown>
    return (message, details) => pino[level](withErr(details), message)
  }
  if (isWinston(logger)) return (message, details) => logger[level](message, plain(details))
  return (message, details) => logger[level](message, details)
}

// Children included: the symbol stands on the prototype chain.
function isPino(logger: object): boolean {
  return Symbol.for('pino.serializers') in logger
}

function isWinston(logger: object): boolean {
  return 'transports' in logger && 'format' in logger && 'levels' in logger
}

// Pino's own serializer, which tells type, text, stack and causes, looks at `err`.
function withErr({ error, ...details }: { error?: unknown }): object {
  return error === undefined ? details : { ...details, err: error }
}

function plain(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, value instanceof Error ? plainError(value) : value]),
  )
}

/** An error as a plain object: its text and stack, which are not enumerable, its own fields, and those below it. */
export function plainError(error: Error, depth = 0): object {
  const { name, message, stack, cause } = error
  const errors: unknown[] | undefined = error instanceof AggregateError ? error.errors : undefined
  const below = (value: unknown): unknown =>
    value instanceof Error && depth < DEEPEST ? plainError(value, depth + 1) : value
  return { name, message, ...(error as object), stack, cause: below(cause), errors: errors?.map(below) }
}

// Errors below errors; they may go round in a circle.
const DEEPEST = 8
