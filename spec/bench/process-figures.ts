// What the machine says about a process, from /proc; null where there is none.

import { readdirSync, readFileSync } from 'node:fs'

/** The processor time of all its threads so far, in milliseconds. */
export function processorTimeOf(pid: number | undefined): number | null {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads)
      .map((thread) => Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
      .reduce((sum, time) => sum + time, 0)
  } catch {
    return null
  }
}

/** Memory that is this process's alone, in MiB. */
export function privateMemoryOf(pid: number | undefined): number | null {
  return memoryOf(pid, 'smaps_rollup', /^Private_\w+: +(\d+) kB$/gm)
}

/** Its proportional set size, in MiB: what it shares with others is parted among them. */
export function proportionalMemoryOf(pid: number | undefined): number | null {
  return memoryOf(pid, 'smaps_rollup', /^Pss: +(\d+) kB$/gm)
}

/** The most memory that it ever had, shared libraries included, in MiB. */
export function peakMemoryOf(pid: number | undefined): number | null {
  return memoryOf(pid, 'status', /^VmHWM:\s+(\d+) kB$/gm)
}

function memoryOf(pid: number | undefined, file: string, fields: RegExp): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
    return [...text.matchAll(fields)].reduce((sum, [, kib]) => sum + Number(kib) / 1024, 0)
  } catch {
    return null
  }
}
