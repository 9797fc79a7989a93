// What is done for the actions that carry no records, between their arrival and their status: the user's hook first,
// then the checkpoint that the action calls for. Throws what the hook throws, and the action stays unacknowledged.

import type { CheckpointPolicy } from '../checkpoint/policy.ts'
import { SHARD_END } from '../checkpoint/target.ts'
import { CheckpointError } from '../errors.ts'
import type { Logger } from '../io/logger.ts'
import type { Message, Shard } from '../protocol/messages.ts'
import type { Checkpointing } from './checkpointing.ts'

/** The user's hooks; each may be asynchronous, and is awaited before the status. A throw fails the session. */
export interface SessionHooks {
  /** The shard of this process is known; nothing of it has come yet. */
  readonly onInitialize?: ((shard: Shard) => unknown) | undefined
  /** The shard was split, merged or closed, and its last record is finished. Its end is stored after this. */
  readonly onShardEnded?: ((context: HookContext) => unknown) | undefined
  /** The daemon stops, or hands the lease over. The last finished position is stored after this. */
  readonly onShutdownRequested?: ((context: HookContext) => unknown) | undefined
  /** Another worker owns the shard: nothing can be stored any more. */
  readonly onLeaseLost?: (() => unknown) | undefined
}

/** What the hooks at the end of a shard or a lease are given. */
export interface HookContext {
  readonly shard: Shard
  /**
   * Stores the last finished position; answers and rejects as `batch.checkpoint()` does.
   *
   * @example
   * new KclSession({ onShutdownRequested: async (context) => void (await context.checkpoint()) })
   */
  checkpoint(): Promise<boolean>
}

/** What the work on an action needs of its session. */
export interface HookOwner {
  readonly hooks: SessionHooks
  readonly policy: CheckpointPolicy
  readonly log: Logger
  readonly checkpointing: Checkpointing
  /** A hook may take longer than the daemon lives. */
  readonly state: 'open' | 'ended' | 'failed'
}

/** Does what an action calls for: at once where no user's code and no checkpoint is to be waited for. */
export function perform({ action }: Message, shard: Shard, owner: HookOwner): Promise<void> | void {
  const { hooks, checkpointing } = owner
  const context: HookContext = { shard, checkpoint: () => owner.checkpointing.storeFinished() }
  switch (action) {
    case 'processRecords':
      return checkpointing.ask('idle')
    case 'initialize':
      return hooks.onInitialize && settle(hooks.onInitialize(shard))
    case 'shutdownRequested':
      return drain(owner, context)
    case 'shardEnded':
      return endShard(owner, context)
    case 'leaseLost':
      return hooks.onLeaseLost && settle(hooks.onLeaseLost())
    case 'checkpoint':
      return
  }
}

async function settle(answer: unknown): Promise<void> {
  await answer
}

async function drain(owner: HookOwner, context: HookContext): Promise<void> {
  await owner.hooks.onShutdownRequested?.(context)
  if (owner.policy.atShutdown !== false && owner.state === 'open') await storeBeforeShutdown(owner)
  await owner.checkpointing.checkpointer.settled()
}

// The daemon drains whether this is stored or not, so a refusal costs records that come again, not the shard.
async function storeBeforeShutdown(owner: HookOwner): Promise<void> {
  try {
    await owner.checkpointing.storeFinished()
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error
    owner.log.error(
      'The last checkpoint before the shutdown failed; the records since the one before come again',
      { error },
    )
  }
}

async function endShard(owner: HookOwner, context: HookContext): Promise<void> {
  await owner.hooks.onShardEnded?.(context)
  // Acknowledged without this, the daemon would renew the lease for ever and never start the child shards.
  if (owner.state === 'open') await owner.checkpointing.checkpointer.explicit(SHARD_END)
}
