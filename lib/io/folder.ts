// Makes folders one by one: mkdir with `recursive` never returns on Node 20 where a file system, such as /proc, denies that
// the folder's parent is there.

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'

/** Makes a folder and those that it stands in, unless they are there. Throws `UsageError` where none can be made. */
export function makeFolder(folder: string): void {
  if (made(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  if (made(folder)) return
  throw new UsageError(`${folder} cannot be made: nothing can be written in ${parent}. Name another place.`)
}

// False where its parent is missing.
function made(folder: string): boolean {
  try {
    mkdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    if (code !== 'EEXIST') throw error
  }
  return true
}
