// Opens what the input is read from. What cannot be read again (stdin, a pipe), or not from anywhere (a compressed
// file), is copied to a temporary file, which has no name any more by the time it is used: it is gone when its last
// descriptor is, however this process ends.

import { randomUUID } from 'node:crypto'
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { UsageError } from '../../errors.ts'
import { isPacked } from './unpack.ts'

/** An input that was opened. */
export interface OpenInput {
  /** Where its lines are, or will be, to be read from anywhere. */
  readonly fd: number
  /** What has to be copied there first, or null where nothing has to be. */
  readonly source: Readable | null
  /** Whether all of it is there from the start. */
  readonly isFile: boolean
}

/** Opens a file, or `-` for `stdin`; `converts` tells of one's beginning whether it is read as it is. Throws `UsageError` that says why it cannot be read. */
export function openInput(file: string, stdin: Readable, converts: (head: Buffer) => boolean): OpenInput {
  if (file === '-') return { fd: openSpool(), source: stdin, isFile: false }
  const fd = openFile(file)
  const isFile = fstatSync(fd).isFile()
  const head = isFile ? firstBytes(fd) : Buffer.alloc(0)
  if (isFile && !isPacked(head) && !converts(head)) return { fd, source: null, isFile }
  return { fd: openSpool(), source: createReadStream('', { fd }), isFile }
}

function firstBytes(fd: number): Buffer {
  const head = Buffer.alloc(4096)
  return head.subarray(0, readSync(fd, head, 0, head.length, 0))
}

function openFile(file: string): number {
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

/** An empty file without a name, for writing and reading. */
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
