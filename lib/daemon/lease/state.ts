// The checkpoints that outlive a run: one small file in a folder, replaced whole at every checkpoint, with all that
// is needed to find the same records under the same sequence numbers again.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { makeFolder } from '../../io/folder.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { Fingerprint } from '../stream/fingerprint.ts'
import type { ShardPlan, Stream } from '../stream/stream.ts'
import { lockFolder } from './lock.ts'

/** What a run leaves to the next. */
export interface SavedState {
  readonly createdAt: number
  /** How records are made of lines; it must be the same in the next run. */
  readonly shape: string
  readonly input: Fingerprint
  /** How many shards the stream had in the beginning. */
  readonly shardCount: number
  readonly shards: readonly ShardPlan[]
  readonly checkpoints: ReadonlyMap<string, LeasePosition>
}

/** A folder that keeps the state of one stream and one consumer. */
export class StateFolder {
  readonly #folder: string
  readonly #unlock: () => void

  /** Makes the folder if need be, and locks it. Throws `UsageError` where that fails. */
  constructor(folder: string) {
    this.#folder = folder
    try {
      makeFolder(folder)
      this.#unlock = lockFolder(folder)
    } catch (error) {
      if (error instanceof UsageError) throw error
      throw new UsageError(`Cannot keep the state in ${folder}: ${(error as Error).message}.`, {
        cause: error,
      })
    }
  }

  /** What the last run left, as `read` makes it of JSON, or null. Throws `UsageError` where it cannot be read. */
  load<State>(read: (json: unknown) => State): State | null {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new UsageError(`Cannot read ${this.#file}: ${(error as Error).message}.`, { cause: error })
    }
    try {
      return read(JSON.parse(text))
    } catch (error) {
      const why = error instanceof UsageError ? error.message : 'is not the state of a run'
      throw new UsageError(`${this.#file} ${why}. Use another folder, or remove it to begin again.`, {
        cause: error,
      })
    }
  }

  /** Replaces what the folder holds, in one step. */
  save(json: object): void {
    const next = `${this.#file}.next`
    try {
      writeFileSync(next, `${JSON.stringify(json, null, 2)}\n`)
      renameSync(next, this.#file)
    } catch (error) {
      throw new UsageError(`Cannot write ${this.#file}: ${(error as Error).message}.`, { cause: error })
    }
  }

  /** Gives the folder back. */
  close(): void {
    this.#unlock()
  }

  get #file(): string {
    return join(this.#folder, 'state.json')
  }
}

/** The state of a run on a file, for `save`. */
export function fileState(
  state: Omit<SavedState, 'shards' | 'createdAt'> & { readonly stream: Stream },
): object {
  const { stream, shape, input, shardCount, checkpoints } = state
  return {
    format: FORMAT,
    createdAt: stream.createdAt,
    shape,
    input,
    shardCount,
    shards: stream.shards.map(({ id, range, parents, closedAt }) => ({
      id,
      start: range.start.toString(),
      end: range.end.toString(),
      parents,
      closedAt,
      ...checkpoints.get(id),
    })),
  }
}

interface SavedJson {
  readonly format: number
  readonly createdAt: number
  readonly shape: string
  readonly input: Fingerprint
  readonly shardCount: number
  readonly shards: readonly {
    readonly id: string
    readonly start: string
    readonly end: string
    readonly parents: readonly number[]
    readonly closedAt: number | null
    readonly sequenceNumber?: string
    readonly subSequenceNumber?: number
  }[]
}

/** The state of a run on a file, for `load`. */
export function readFileState(value: unknown): SavedState {
  const json = value as SavedJson & { stream?: object }
  if (json.stream !== undefined) throw new UsageError('is the state of a run on a stream')
  if (json.format !== FORMAT) throw new TypeError('another format')
  const checkpoints = new Map<string, LeasePosition>()
  const shards = json.shards.map((shard) => {
    const { id, start, end, parents, closedAt, sequenceNumber, subSequenceNumber = 0 } = shard
    if (sequenceNumber !== undefined) checkpoints.set(id, { sequenceNumber, subSequenceNumber })
    return { range: { start: BigInt(start), end: BigInt(end) }, parents, closedAt }
  })
  const { createdAt, shape, input, shardCount } = json
  return { createdAt, shape, input, shardCount, shards, checkpoints }
}

const FORMAT = 1
