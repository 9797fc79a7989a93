// One owner of a folder at a time. The lock is a file that names its owner's process; it is put there whole by one
// link(2), so it is never seen half-written, and an owner that died without a word is recognised by its process
// being gone, or by its number meanwhile belonging to a younger one.

import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../errors.ts'

/** Takes the lock of a folder; the returned function gives it back. Throws `UsageError` while somebody has it. */
export function lockFolder(folder: string): () => void {
  const lock = join(folder, 'lock')
  const mine = join(folder, `lock.${randomUUID()}`)
  const owner = `${process.pid} ${startOf(process.pid) ?? '-'}`
  writeFileSync(mine, owner)
  try {
    while (!linked(mine, lock)) removeIfDead(lock, folder)
  } finally {
    rmSync(mine, { force: true })
  }
  return () => {
    if (readOwner(lock) === owner) rmSync(lock, { force: true })
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeIfDead(lock: string, folder: string): void {
  const owner = readOwner(lock)
  if (owner === null) return
  if (isAlive(owner)) {
    throw new UsageError(
      `${folder} belongs to the run with process ${owner.split(' ')[0]}, which is still at work. Stop it first, or use another folder.`,
    )
  }
  // Two runs may find the same dead owner: only the one that moved his lock, and not a new one, may remove it.
  const moved = join(folder, `lock.${randomUUID()}`)
  try {
    renameSync(lock, moved)
  } catch {
    return
  }
  if (readOwner(moved) !== owner) linked(moved, lock)
  unlinkSync(moved)
}

function readOwner(lock: string): string | null {
  try {
    return readFileSync(lock, 'utf8')
  } catch {
    return null
  }
}

function isAlive(owner: string): boolean {
  const [pid, start] = owner.split(' ')
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startOf(Number(pid))
  return now === null || start === '-' || now === start
}

// On Linux: the boot, and the time after it at which the process started. Elsewhere the number alone has to do.
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // Behind the name in parentheses, which may hold anything, the start is the twentieth field.
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return null
  }
}
