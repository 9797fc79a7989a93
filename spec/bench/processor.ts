// Round trips are measured on one processor. To wake up a process on another one that sleeps costs more than all the rest
// of a round trip, and who has to do that is luck.

import { spawnSync } from 'node:child_process'
import type { Shape } from './shapes.ts'

/** Does the work with batches of a shape where it is to be done. */
export function placed<T>({ records }: Shape, work: () => Promise<T>): Promise<T> {
  return records === 1 ? onOneProcessor(work) : work()
}

/** Does the work, with all that it starts, on one processor; on any where there is no taskset. */
export async function onOneProcessor<T>(work: () => Promise<T>): Promise<T> {
  const all = taskset('-cp').split(': ')[1]?.trim()
  const [one] = /\d+/.exec(all ?? '') ?? []
  if (all === undefined || one === undefined) return work()
  taskset('-acp', one)
  try {
    return await work()
  } finally {
    taskset('-acp', all)
  }
}

// What it prints; nothing where it cannot be had.
function taskset(how: string, ...processors: string[]): string {
  return spawnSync('taskset', [how, ...processors, String(process.pid)], { encoding: 'utf8' }).stdout ?? ''
}
