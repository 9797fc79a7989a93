// What a run on a stream leaves to the next: which stream it was, and where each shard stands. The same text is taken
// as a file of checkpoints to begin at, and so are the application's own, as DynamoDB's command line prints its table.

import { UsageError } from '../../errors.ts'
import type { LeasePosition } from '../conversation/messages.ts'

/** The state of a run on a stream. */
export interface SavedStream {
  readonly arn: string
  readonly createdAt: number
  /** When the first run began, or the time it began at. */
  readonly since: number
  readonly positions: ReadonlyMap<string, LeasePosition>
}

export function streamState({ arn, createdAt, since, positions }: SavedStream): object {
  const shards = [...positions].map(([id, position]) => ({ id, ...position }))
  return { format: FORMAT, stream: { arn, createdAt, since }, shards }
}

/** Reads what `streamState` made. Throws where it is something else. */
export function readStreamState(json: unknown): SavedStream {
  const { format, stream } = json as { format?: unknown; stream?: Omit<SavedStream, 'positions'> }
  if (stream === undefined) throw new UsageError('is the state of a run on a file')
  if (format !== FORMAT || typeof stream.arn !== 'string') throw new TypeError('another format')
  const { arn, createdAt, since } = stream
  return { arn, createdAt, since, positions: readCheckpoints(json) }
}

/**
 * Positions by shard: of a state, of `{ "shardId-…": "49…" }`, or of `aws dynamodb scan` on a lease table. Throws
 * `UsageError` where it is none of them.
 */
export function readCheckpoints(json: unknown): Map<string, LeasePosition> {
  const object = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>
  const rows = Array.isArray(object.Items)
    ? object.Items.map(fromLease)
    : Array.isArray(object.shards)
      ? object.shards.map((shard: Row) => [shard.id, shard] as const)
      : Object.entries(object).map(([id, value]) => [id, value] as const)
  const positions = new Map<string, LeasePosition>()
  for (const [id, value] of rows) {
    const position = asPosition(value)
    if (typeof id === 'string' && id.startsWith('shardId-') && position !== null) positions.set(id, position)
  }
  if (positions.size > 0) return positions
  throw new UsageError(
    'names no positions: give a state.json of an earlier run, {"shardId-…": "SEQUENCE NUMBER"}, or what aws dynamodb scan prints of a lease table',
  )
}

interface Row {
  readonly id?: unknown
}

type Attribute = { readonly S?: unknown; readonly N?: unknown } | undefined

function fromLease(item: Record<string, Attribute>): readonly [unknown, unknown] {
  const { leaseKey, checkpoint, checkpointSubSequenceNumber } = item
  return [
    leaseKey?.S,
    { sequenceNumber: checkpoint?.S, subSequenceNumber: Number(checkpointSubSequenceNumber?.N ?? 0) },
  ]
}

function asPosition(value: unknown): LeasePosition | null {
  if (typeof value === 'string') return asPosition({ sequenceNumber: value })
  const { sequenceNumber, subSequenceNumber = 0 } = (value ?? {}) as Partial<LeasePosition>
  if (typeof sequenceNumber !== 'string' || typeof subSequenceNumber !== 'number') return null
  if (!/^(\d+|TRIM_HORIZON|LATEST|AT_TIMESTAMP|SHARD_END)$/.test(sequenceNumber)) return null
  return { sequenceNumber, subSequenceNumber }
}

const FORMAT = 2
