// Durations on the command line: `25s`, `500ms`, `2m`, or plain seconds.

import { UsageError } from '../errors.ts'

/** A parser for an option's value; it returns milliseconds, and throws UsageError that names the option. */
export function parseDuration(option: string): (text: string) => number {
  return (text) => {
    const [, amount = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim()) ?? []
    if (amount === '') {
      throw new UsageError(`${option}=${text} is not a duration. Write it as 25s, 500ms or 2m.`)
    }
    return Number(amount) * (UNITS[unit] ?? 1000)
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
