// Opens what the input is read from. What cannot be read again (stdin, a pipe) is copied to a temporary file, which
// has no name any more by the time it is used: it is gone when its last descriptor is, however this process ends.

import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../errors.ts'

/** Opens a file for reading. Throws `UsageError` that says why it cannot be. */
export function openInput(file: string): number {
  try {
    const fd = openSync(file, 'r')
    if (!fstatSync(fd).isDirectory()) return fd
    closeSync(fd)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : code
    throw new UsageError(`Cannot read ${file}: ${reason}.`, { cause: error })
  }
  throw new UsageError(`Cannot read ${file}: it is a folder.`)
}

/** Opens an empty file without a name, for writing and reading. Throws `UsageError` where there is no room for it. */
export function openSpool(): number {
  const file = join(tmpdir(), `kcl-session-${randomUUID()}`)
  try {
    const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    if (process.platform !== 'win32') unlinkSync(file)
    return fd
  } catch (error) {
    throw new UsageError(
      `Cannot write to ${tmpdir()}, which keeps what is read from a pipe: ${String(error)}`,
      {
        cause: error,
      },
    )
  }
}
