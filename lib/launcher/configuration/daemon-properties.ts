// The properties as the daemon gets them, from the settings as people write them. Pure.

import type { Setting } from './setting.ts'

/** What only a start can know. */
export interface Start {
  readonly workerIdentifier: string
  /** When the launcher started, in milliseconds since the epoch; all its daemons have the same. */
  readonly at: number
}

/** The daemon's properties, but for executableName. */
export function daemonProperties(
  settings: ReadonlyMap<string, Setting>,
  { workerIdentifier, at }: Start,
): Map<string, string> {
  const properties = new Map([...settings].map(([key, { value }]) => [key, value]))
  properties.set('workerIdentifier', workerIdentifier)
  properties.delete('executableName')
  // As long as nothing is stored, a daemon that is started again would begin at LATEST anew, and pass over what came
  // meanwhile. A lease remembers how it began: so it has to be a time from the first start on.
  if (properties.get('initialPositionInStream')?.toUpperCase() === 'LATEST') {
    properties.delete('initialPositionInStream')
    properties.set('initialPositionInStreamExtended', String(Math.floor(at / 1000)))
  }
  return properties
}
