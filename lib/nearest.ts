// "Did you mean": the known name that takes the fewest edits, if they are few. For properties, options and
// commands.

import { UsageError } from './errors.ts'

/** Throws UsageError, naming the caller and the nearest of those that there are, for an option that nobody knows. */
export function refuseUnknown(options: object, known: readonly string[], where: string): void {
  const stray = Object.keys(options).find((key) => !known.includes(key))
  if (stray === undefined) return
  const near = nearest(stray, known)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  throw new UsageError(`${where}: ${stray} is not an option.${hint} There are ${known.join(', ')}.`)
}

/** The nearest of `names`, whatever its case; undefined where none is near. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 4)) + 1
  for (const name of names) {
    const edits = editDistance(word.toLowerCase(), name.toLowerCase())
    if (edits < least) [best, least] = [name, edits]
  }
  return best
}

// The edits from `a` to `b`: to insert, delete or replace a character, or to swap two neighbours, is one each.
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
