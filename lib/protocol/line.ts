// A line of the daemon as a value. JSON.parse looks at every character of a payload and copies it: in a line of large
// records that is nearly all of its work. Payloads can stand beside the text instead, each in its turn.

/**
 * A line without a backslash whose payloads were taken out. A tab stands in the place of each, which is nowhere else
 * in it: JSON writes one with a backslash.
 */
export interface CutLine {
  readonly text: string
  readonly payloads: readonly string[]
  /** The line as it was. */
  whole(): string
}

/** What JSON.parse makes of a line. Throws its SyntaxError. */
export function parseLine(line: string | CutLine): unknown {
  if (typeof line === 'string') return JSON.parse(line)
  const { payloads } = line
  const value = JSON.parse(line.text) as { records?: unknown } | null
  const records: unknown = value?.records
  let next = 0
  for (const record of Array.isArray(records) ? records : []) {
    if (record?.data === TAB) record.data = payloads[next++]
  }
  // Where something else than a record has a payload, we cannot tell whose is whose.
  return next === payloads.length ? value : JSON.parse(line.whole())
}

/** What stands in the place of a payload, as JSON writes it. */
export const TAB_IN_JSON = '\\t'

const TAB = '\t'
