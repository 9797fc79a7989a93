// What is done for the actions that carry no records, between their arrival and their status: the user's hook first,
// then the checkpoint that the action calls for. Throws what the hook throws, and the action stays unacknowledged.

import type { CheckpointPolicy } from './checkpoint/policy.ts'
import { CheckpointError } from './errors.ts'
import type { Logger } from './io/log.ts'
import type { Ledger } from './ledger.ts'
import type { ActionName, Shard } from './protocol/messages.ts'

/** The user's hooks; each may be asynchronous, and is awaited before the status. A throw fails the session. */
export interface SessionHooks {
  readonly onInitialize?: ((shard: Shard) => unknown) | undefined
  readonly onShardEnded?: ((context: HookContext) => unknown) | undefined
  readonly onShutdownRequested?: ((context: HookContext) => unknown) | undefined
  readonly onLeaseLost?: (() => unknown) | undefined
}

/** What the hooks at the end of a shard or a lease are given. */
export interface HookContext {
  readonly shard: Shard
  /** Stores the last finished position; answers and rejects as `batch.checkpoint()` does. */
  checkpoint(): Promise<boolean>
}

/** What the work on an action needs. */
export interface ActionPort {
  readonly hooks: SessionHooks
  readonly policy: CheckpointPolicy
  readonly log: Logger
  readonly ledger: Ledger
  /** Whether the session can still answer; a hook may take longer than the daemon lives. */
  isOpen(): boolean
}

/** Does what one action calls for. */
export async function perform(action: ActionName, shard: Shard, port: ActionPort): Promise<void> {
  const { hooks, ledger } = port
  const context: HookContext = { shard, checkpoint: () => ledger.storeFinished() }
  switch (action) {
    case 'initialize':
      await hooks.onInitialize?.(shard)
      return
    case 'processRecords':
      ledger.askPolicy('idle', null)
      return
    case 'shutdownRequested':
      await hooks.onShutdownRequested?.(context)
      if (port.policy.atShutdown !== false && port.isOpen()) await storeBeforeShutdown(port)
      await ledger.settled()
      return
    case 'shardEnded':
      await hooks.onShardEnded?.(context)
      // Acknowledged without this, the daemon would renew the lease for ever and never start the child shards.
      if (port.isOpen()) await ledger.storeShardEnd()
      return
    case 'leaseLost':
      await hooks.onLeaseLost?.()
      return
  }
}

// The daemon drains whether this is stored or not, so a refusal costs records that come again, not the shard.
async function storeBeforeShutdown({ ledger, log }: ActionPort): Promise<void> {
  try {
    await ledger.storeFinished()
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    log.error('The last checkpoint before the shutdown failed; the records since the one before come again', {
      error,
    })
  }
}
