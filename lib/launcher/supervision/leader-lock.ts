// The lock of an application's leader: the worker that finds new shards and hands out leases. It is a row that the
// leader renews every half minute, and a daemon that is killed leaves it behind: for two minutes nobody leads, the
// children of a split get no consumer, and another worker gets no shard. Rule: a lock is given back only in the name
// that this launcher holds, when no daemon of its own runs under it, and only as it was read: one that was renewed in
// between belongs to somebody alive. It is the very release that the daemon makes when it stops in good order.

import { type AwsCall, AwsError } from '../../aws/client.ts'
import type { Clock } from '../../time.ts'
import type { Reporter } from './reporter.ts'

/** What the lock is looked for with. */
export interface LeaderLockOptions {
  /** A client for DynamoDB; undefined where no region is named. */
  readonly dynamoDB: AwsCall | undefined
  /** The table of the application's coordinator state. */
  readonly table: string
  readonly workerIdentifier: string
  readonly reporter: Reporter
  readonly clock: Clock
}

/** Gives the leader's lock back where a dead daemon of this worker left it. */
export class LeaderLock {
  readonly #options: LeaderLockOptions
  #waiting = false

  constructor(options: LeaderLockOptions) {
    this.#options = options
  }

  /** Before a daemon starts: an earlier launcher of the same name may have been killed with its daemon. */
  async beforeStart(): Promise<void> {
    try {
      if (await this.#releaseInTime()) this.#tellReleased()
    } catch {
      // Without a table there is no lock; and whoever cannot be reached is told of by the daemon's own start.
    }
  }

  /** After a daemon died. */
  async afterCrash(): Promise<void> {
    const { reporter } = this.#options
    try {
      if (await this.#releaseInTime()) this.#tellReleased()
    } catch (error) {
      if (error instanceof AwsError && error.exception === 'ResourceNotFoundException') return
      const until = new Date(Date.now() + LONGEST_WAIT).toISOString()
      reporter.tell(
        'warn',
        `If this worker led the application, nobody leads it until ${until.slice(11, 19)} at the latest: until then new shards, such as the children of a split, and other workers wait. Its lock in ${this.#options.table} could not be given back: ${reasonOf(error)}`,
        { event: 'leader-lock', until },
      )
    }
  }

  /**
   * The daemon gave up leading because its tables were away: it has let go of a lock that still names it in the table,
   * and would itself wait for that to expire. Given back as soon as the table answers, unless that comes too late.
   */
  async afterGivingUp(): Promise<void> {
    if (this.#waiting) return
    this.#waiting = true
    const { clock } = this.#options
    const until = clock.now() + SAFE_TIME
    for (;;) {
      await new Promise<void>((resolve) => clock.after(AGAIN, resolve, { unref: true }))
      if (!this.#waiting || clock.now() >= until) break
      try {
        if (await this.#releaseInTime()) this.#tellReleased()
        break
      } catch {
        // The table is still away.
      }
    }
    this.#waiting = false
  }

  /** The daemon has ended: nothing is waited for any more. */
  forget(): void {
    this.#waiting = false
  }

  // The start of a daemon does not wait for a table that does not answer; and what is read later is not ours to
  // give back any more, because the new daemon has the same name.
  #releaseInTime(): Promise<boolean> {
    const late = new AbortController()
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(PATIENCE, () => {
        late.abort()
        reject(new Error(`DynamoDB did not answer within ${PATIENCE / 1000} s.`))
      })
      this.#release(late.signal).then(resolve, reject).finally(cancel)
    })
  }

  // Whether there was something to give back.
  async #release(late: AbortSignal): Promise<boolean> {
    const { dynamoDB, table: TableName, workerIdentifier } = this.#options
    if (dynamoDB === undefined) throw new Error('there is no region to look for it in.')
    const Key = { key: { S: 'Leader' } }
    const { Item: row } = (await dynamoDB('GetItem', { TableName, Key, ConsistentRead: true })) as LockRow
    const version = row?.recordVersionNumber?.S
    const own = row?.ownerName?.S === workerIdentifier && row.isReleased === undefined
    if (version === undefined || !own || late.aborted) return false
    try {
      await dynamoDB('UpdateItem', {
        TableName,
        Key,
        UpdateExpression: 'SET isReleased = :yes',
        ConditionExpression: 'ownerName = :owner AND recordVersionNumber = :version',
        ExpressionAttributeValues: {
          ':yes': { S: '1' },
          ':owner': { S: workerIdentifier },
          ':version': { S: version },
        },
      })
      return true
    } catch (error) {
      if (error instanceof AwsError && error.exception === 'ConditionalCheckFailedException') return false
      throw error
    }
  }

  #tellReleased(): void {
    this.#options.reporter.tell(
      'info',
      'This worker led the application, and its daemon left the lock behind. It is given back, so that a worker leads again within half a minute.',
    )
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}

interface LockRow {
  readonly Item?: Readonly<
    Record<'ownerName' | 'recordVersionNumber' | 'isReleased', { readonly S?: string } | undefined>
  >
}

const PATIENCE = 3000
const AGAIN = 2000
// Within two minutes nobody can have taken the lock, the daemon itself included.
const SAFE_TIME = 90_000
// Two minutes from when a worker first saw the lock as it is, and workers look every half minute.
const LONGEST_WAIT = 150_000
