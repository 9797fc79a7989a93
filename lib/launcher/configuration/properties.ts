// Java's .properties files, read and written exactly as java.util.Properties does: ISO-8859-1, backslash
// escapes, trailing blanks kept, no inline comments. Every line is handed out, so that the lint can see
// what a map would hide: a key given twice, a backslash that was eaten.

import { escapeKey, escapeValue } from 'properties-file/escape'
import { Properties } from 'properties-file/parser'
import { UsageError } from '../../errors.ts'

/** One key and its value. */
export interface Property {
  readonly key: string
  readonly value: string
  /** The value as it stands in the file, before backslashes are taken away. */
  readonly written: string
  /** Where the property begins, counted from 1. */
  readonly line: number
}

/** Every property of a file in its order, repeated keys included; throws UsageError for a broken `\u` escape. */
export function parseProperties(bytes: Uint8Array, file: string): Property[] {
  // A string, not a Buffer: the parser would read that as UTF-8 and skip a byte order mark. Java does neither.
  const text = Buffer.from(bytes).toString('latin1')
  try {
    return new Properties(text).getProperties().map((node) => ({
      key: node.key,
      value: node.value,
      written: node.escapedValue,
      line: node.startingLineNumber,
    }))
  } catch (cause) {
    throw new UsageError(
      `${file}: ${reason(cause)}. Write \\u with four hexadecimal digits, or \\\\u for a backslash.`,
      {
        cause,
      },
    )
  }
}

/** The text of a file that Java reads back as these keys and values; plain ASCII. */
export function formatProperties(entries: Iterable<readonly [key: string, value: string]>): string {
  let text = ''
  for (const [key, value] of entries)
    text += `${escapeKey(key, true)}=${readable(escapeValue(value, true))}\n`
  return text
}

// Behind the first equals sign these four need no backslash, and an address reads better without.
function readable(value: string): string {
  return value.replace(/\\(.)/g, (pair, character: string) => ('=:#!'.includes(character) ? character : pair))
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
}
