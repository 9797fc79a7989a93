// The processes of a chaos run, looked at from outside in /proc: whose children they are, what they run, and which of
// them are still there. A run's processes have its folder in their environment, so that nobody else's are touched.

import { readdirSync, readFileSync } from 'node:fs'
import { isAlive } from '../../lib/launcher/machine/processes.ts'

/** The living processes below one, at any depth. */
export function descendantsOf(ancestor: number): number[] {
  const parents = new Map(pids().map((pid) => [pid, parentOf(pid)]))
  const below = (pid: number): number[] =>
    [...parents].flatMap(([child, parent]) => (parent === pid ? [child, ...below(child)] : []))
  return below(ancestor).filter(isAlive)
}

/** The words of a process's command line. */
export function commandOf(pid: number): string[] {
  return read(pid, 'cmdline').split('\0').slice(0, -1)
}

/** The living processes of the run with this folder. */
export function processesOf(folder: string): number[] {
  return pids().filter(
    (pid) =>
      pid !== process.pid &&
      read(pid, 'environ').split('\0').includes(`CHAOS_FOLDER=${folder}`) &&
      isAlive(pid),
  )
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function parentOf(pid: number): number {
  const stat = read(pid, 'stat')
  // The name in parentheses may contain anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}
