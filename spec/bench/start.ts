// A start, and the rest after it: the time from the start of a process to its first status, and the memory that is
// its own then.

import { Consumer } from './consumer.ts'
import type { Effort } from './rounds.ts'
import type { Style } from './styles.ts'

/** One start of one style. */
export interface Start {
  /** Milliseconds. */
  readonly wall: number
  /** Milliseconds of processor time; null where the machine does not tell. */
  readonly processor: number | null
  /** MiB that are the process's alone; null where the machine does not tell. */
  readonly memory: number | null
}

/** Starts each style so many times, by turns. */
export async function measureStarts(styles: readonly Style[], effort: Effort): Promise<Map<Style, Start[]>> {
  const starts = new Map(styles.map((style): [Style, Start[]] => [style, []]))
  for (let round = 0; round < effort.starts; round += 1) {
    for (const style of round % 2 === 0 ? styles : styles.toReversed()) {
      const before = performance.now()
      const consumer = await Consumer.start(style)
      const wall = performance.now() - before
      const processor = consumer.processorTime()
      starts.get(style)?.push({ wall, processor, memory: consumer.privateMemory() })
      await consumer.end()
    }
  }
  return starts
}
