// Whether a process that is not our child is still there. A zombie is not: as the first process of a container
// Node cannot reap, and kill(pid, 0) goes on saying yes.

import { readFileSync } from 'node:fs'

/** Whether a process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      // The name in parentheses may contain anything, parentheses included.
      const state = stat.charAt(stat.lastIndexOf(')') + 2)
      return state !== 'Z' && state !== 'X'
    } catch {
      return false
    }
  }
  return sendSignal(pid, 0)
}

/** Sends a signal; false where there is nobody to get it. A negative pid means the group. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
