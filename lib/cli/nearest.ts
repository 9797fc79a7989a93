// "Did you mean": the known name that takes the fewest edits, if they are few.

import { editDistance } from '../launcher/edit-distance.ts'

/** A sentence with the nearest name, with a blank in front, or nothing. */
export function nearest(word: string, names: readonly string[]): string {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const edits = editDistance(word.toLowerCase(), name.toLowerCase())
    if (edits < least) {
      least = edits
      best = name
    }
  }
  return best === undefined ? '' : ` Did you mean "${best}"?`
}
