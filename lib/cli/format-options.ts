// What an input is, and which of its fields mean what: the same options for `dev` and for `put`.

import { type Command, Option } from 'commander'
import { FORMATS, type Format } from '../daemon/stream/formats/formats.ts'
import { UsageError } from '../errors.ts'

/** Adds the options. */
export function withFormatOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--format <name>',
        'what the input is: JSON lines, text lines, lines of base64, frames (4 bytes of length, then the data), records of "aws kinesis get-records", or a transcript (default: json; the last two are recognised)',
      ).choices(FORMATS),
    )
    .option('--key <field>', 'the field with the partition key (default: the MD5 of the record)')
    .option('--data <field>', 'the field with the data (default: the whole line)')
    .option('--time <field>', 'the field with the time it arrived at: ISO 8601, or seconds or milliseconds')
    .option('--explicit-hash-key <field>', 'the field with the hash key, which decides about the shard')
    .option('--gzip', 'compress the data of each record, as CloudWatch Logs does')
}

/** Reads them. Throws UsageError where they do not go together. */
export function readFormat(options: Format): Format {
  const { format, key, data, time, explicitHashKey, gzip } = options
  const given = { format, key, data, time, explicitHashKey, gzip }
  if (format === 'text' || format === 'records' || format === 'transcript') {
    const stray = formatFlags({ ...given, format: undefined, gzip: format === 'text' ? undefined : gzip })[0]
    if (stray !== undefined) {
      throw new UsageError(
        `${stray.split(' ')[0]} does not go with --format ${format}, whose records have no fields.`,
      )
    }
  }
  return given
}

/** The options as they were given, in words. */
export function formatFlags({ format, key, data, time, explicitHashKey, gzip }: Format): string[] {
  const named = { format, key, data, time, 'explicit-hash-key': explicitHashKey }
  const words = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${value}`],
  )
  return gzip === true ? [...words, '--gzip'] : words
}
