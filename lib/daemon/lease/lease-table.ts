// The lease table: what is stored for each shard, in memory, and in a folder where one is given.

import { SHARD_END, TRIM_HORIZON } from '../conversation/checkpointer.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { Shard } from '../stream/stream.ts'

/** The checkpoints of all shards. */
export class LeaseTable {
  readonly #positions: Map<string, LeasePosition>
  readonly #changed: (positions: ReadonlyMap<string, LeasePosition>) => void

  /** `changed` is called after each change, before the change is made known to anyone. */
  constructor(
    positions: ReadonlyMap<string, LeasePosition> = new Map(),
    changed: (positions: ReadonlyMap<string, LeasePosition>) => void = () => {},
  ) {
    this.#positions = new Map(positions)
    this.#changed = changed
  }

  position(shard: Shard): LeasePosition {
    return this.#positions.get(shard.id) ?? TRIM_HORIZON
  }

  /** Whether the shard has been read to its end. */
  hasEnded(shard: Shard): boolean {
    return this.position(shard).sequenceNumber === SHARD_END.sequenceNumber
  }

  store(shard: Shard, position: LeasePosition): void {
    this.#positions.set(shard.id, position)
    this.#changed(this.#positions)
  }
}
