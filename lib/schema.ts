// Values that come as JSON, held against a schema: a function, or a Standard Schema such as zod's, valibot's or
// arktype's. Rule: what does not fit is told with every issue, and nothing is ever let through unchecked.

import { UsageError } from './errors.ts'

/** The part of a Standard Schema, version 1, that is needed here. It must answer at once, not with a promise. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** The value as the schema makes it, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that does not fit. */
export interface SchemaIssue {
  readonly message: string
  /** Where: keys from the outside in, plain or as objects that have one. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What `record.json()` takes: a function that returns the value or throws, or a Standard Schema. */
export type Schema<T> = StandardSchema<T> | ((value: unknown) => T)

/**
 * The value as the schema makes it, or the issues. What a function throws goes up as it is. Throws UsageError, naming
 * the caller, for what is no schema and for one that answers with a promise.
 */
export function applySchema<T>(schema: Schema<T>, value: unknown, where: string): SchemaResult<T> {
  // Some Standard Schemas are functions, too, which would return what is wrong instead of throwing it.
  const standard = (schema as Partial<StandardSchema<T>> | null | undefined)?.['~standard']
  if (typeof standard?.validate === 'function') return settled(standard.validate(value), where)
  if (typeof schema !== 'function') {
    throw new UsageError(
      `${where} takes a function (value) => T, or a Standard Schema (zod, valibot, arktype), not ${typeof schema}.`,
    )
  }
  return { value: settled(schema(value), where) }
}

/** For texts: where, and what. */
export function formatIssue({ message, path = [] }: SchemaIssue): string {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}

function settled<T>(answer: T | Promise<T>, where: string): T {
  if (typeof (answer as PromiseLike<T> | null | undefined)?.then !== 'function') return answer as T
  // Nobody will look at it again; its failure must not end the process as an unhandled rejection.
  Promise.resolve(answer).catch(() => {})
  throw new UsageError(
    `${where}: the schema answered with a promise. Records are parsed at once: take one that is synchronous.`,
  )
}
