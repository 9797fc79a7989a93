// One session speaks on a stream. Claims hang on the streams and on the process themselves, under a symbol that every
// copy of this package shares: a second copy, in a bundle or another version, would answer every action once more.

import { UsageError } from '../errors.ts'

/** Claims every one of `things`, or none: throws UsageError where a session has one. The returned function gives them back. */
export function claim(things: readonly Claimable[]): () => void {
  const other = things.map((thing) => thing[CLAIM]).find((one) => one !== undefined)
  if (other !== undefined) throw new UsageError(other.copy === COPY ? SECOND_SESSION : SECOND_COPY)
  const mine: Claim = { copy: COPY }
  for (const thing of things) {
    Object.defineProperty(thing, CLAIM, { value: mine, configurable: true, enumerable: false })
  }
  return () => {
    for (const thing of things) if (thing[CLAIM] === mine) Reflect.deleteProperty(thing, CLAIM)
  }
}

type Claimable = object & { readonly [CLAIM]?: Claim }

interface Claim {
  /** Which copy of the package. */
  readonly copy: object
}

const CLAIM: unique symbol = Symbol.for('kcl-session') as never
const COPY = {}

const SECOND_SESSION =
  'new KclSession(): another session speaks on these streams. One session serves one shard; close() the other first.'
const SECOND_COPY =
  'new KclSession(): a session of another copy of kcl-session speaks on these streams. Two would answer every action twice: keep one copy (npm ls kcl-session shows them), or close() the other session first.'
