import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { AwsError } from '../../../lib/aws/client.ts'
import { LeaderLock } from '../../../lib/launcher/supervision/leader-lock.ts'
import { Reporter } from '../../../lib/launcher/supervision/reporter.ts'
import { ManualClock } from '../../../lib/testing/manual-clock.ts'

test('gives back the lock that a dead daemon of this worker left, as the daemon itself would have', async () => {
  for (const when of ['beforeStart', 'afterCrash'] as const) {
    const table = new Table({ ownerName: 'me', recordVersionNumber: 'v1' })
    const said = await table.look(when)
    assert.deepEqual(table.row, { ownerName: 'me', recordVersionNumber: 'v1', isReleased: '1' })
    assert.match(said, /INFO .*It is given back/)
  }
})

test('leaves alone what is no lock of a dead daemon of its own', async () => {
  for (const row of [
    null,
    { ownerName: 'another', recordVersionNumber: 'v1' },
    { ownerName: 'me', recordVersionNumber: 'v1', isReleased: '1' },
  ]) {
    const table = new Table(row)
    assert.equal((await table.look('beforeStart')) + (await table.look('afterCrash')), '')
    assert.deepEqual(table.row, row)
    assert.equal(table.updates, 0)
  }
})

test('leaves a lock alone that was renewed after it was read: its owner lives, under the same name', async () => {
  const table = new Table({ ownerName: 'me', recordVersionNumber: 'v1' })
  table.afterRead = () => {
    table.row = { ownerName: 'me', recordVersionNumber: 'v2' }
  }
  assert.equal(await table.look('beforeStart'), '')
  assert.deepEqual(table.row, { ownerName: 'me', recordVersionNumber: 'v2' })
})

test('leaves a lock alone that another worker took after it was read', async () => {
  const table = new Table({ ownerName: 'me', recordVersionNumber: 'v1' })
  table.afterRead = () => {
    table.row = { ownerName: 'another', recordVersionNumber: 'v1' }
  }
  assert.equal(await table.look('afterCrash'), '')
  assert.deepEqual(table.row, { ownerName: 'another', recordVersionNumber: 'v1' })
})

test('says after a crash who waits and until when, where the lock cannot be given back', async () => {
  const table = new Table(new AwsError('AccessDeniedException', 400, 'no'))
  assert.match(
    await table.look('afterCrash'),
    /WARN .*nobody leads it until \d\d:\d\d:\d\d at the latest: .*new shards.* and other workers wait\. Its lock in words-CoordinatorState could not be given back: AccessDeniedException: no/,
  )
  assert.match(await table.look('afterCrash', false), /there is no region to look for it in/)
})

test('says nothing of it before a start, nor where there is no such table yet', async () => {
  assert.equal(await new Table(new AwsError('AccessDeniedException', 400, 'no')).look('beforeStart'), '')
  assert.equal(await new Table(new AwsError('ResourceNotFoundException', 400, 'no')).look('afterCrash'), '')
})

test('does not hold a start up while DynamoDB does not answer', async () => {
  const table = new Table(new Promise(() => {}))
  const started = table.look('beforeStart')
  table.clock.advance(3000)
  assert.equal(await started, '')
})

test('leaves the lock of the daemon that it did start alone, when DynamoDB answers at last', async () => {
  const row = { ownerName: 'me', recordVersionNumber: 'v1' }
  const table = new Table(row)
  let answer = (): void => {}
  table.beforeRead = new Promise((resolve) => {
    answer = resolve
  })
  const started = table.look('beforeStart')
  table.clock.advance(3000)
  assert.equal(await started, '')
  answer()
  await setImmediate()
  assert.deepEqual(table.row, row)
})

test('gives the lock back that the daemon could not, as soon as the table answers', async () => {
  const table = new Table({ ownerName: 'me', recordVersionNumber: 'v1' })
  table.away = new AwsError('HTTP 503', 503, 'away')
  const { lock, said } = table.lock()
  const done = lock.afterGivingUp()
  await lock.afterGivingUp()
  for (let at = 0; at < 5; at++) {
    await setImmediate()
    table.clock.advance(2000)
  }
  await setImmediate()
  assert.equal(table.row?.isReleased, undefined)
  table.away = undefined
  await setImmediate()
  table.clock.advance(2000)
  await done
  assert.equal(table.row?.isReleased, '1')
  assert.match(said(), /It is given back/)
})

test('leaves it alone after a minute and a half, when the daemon may have it again', async () => {
  const table = new Table({ ownerName: 'me', recordVersionNumber: 'v1' })
  table.away = new AwsError('HTTP 503', 503, 'away')
  const { lock } = table.lock()
  const done = lock.afterGivingUp()
  for (let at = 0; at < 45; at++) {
    await setImmediate()
    table.clock.advance(2000)
  }
  table.away = undefined
  await done
  assert.deepEqual(table.row, { ownerName: 'me', recordVersionNumber: 'v1' })
})

type Row = { ownerName: string; recordVersionNumber: string; isReleased?: string }

// The one row of the table, and of DynamoDB what is asked for here; an error or a promise stands for every answer.
class Table {
  row: Row | null = null
  updates = 0
  beforeRead: Promise<void> | undefined
  away: Error | undefined
  afterRead: () => void = () => {}
  readonly clock = new ManualClock()
  readonly #trouble: Error | Promise<never> | undefined

  constructor(state: Row | null | Error | Promise<never>) {
    if (state instanceof Error || state instanceof Promise) this.#trouble = state
    else this.row = state
  }

  /** What is printed when a worker called me looks after its lock. */
  async look(when: 'beforeStart' | 'afterCrash', hasClient = true): Promise<string> {
    const { lock, said } = this.lock(hasClient)
    await lock[when]()
    assert.equal(this.clock.pending, 0)
    return said()
  }

  lock(hasClient = true): { lock: LeaderLock; said: () => string } {
    let said = ''
    const write = (text: string): void => {
      said += text
    }
    const lock = new LeaderLock({
      dynamoDB: hasClient ? (action, request) => this.#answer(action, request as Request) : undefined,
      table: 'words-CoordinatorState',
      workerIdentifier: 'me',
      reporter: new Reporter({ level: 'info', json: false, output: { write }, now: () => 0 }),
      clock: this.clock,
    })
    return { lock, said: () => said }
  }

  async #answer(action: string, request: Request): Promise<Record<string, unknown>> {
    if (this.away !== undefined) throw this.away
    if (this.#trouble instanceof Error) throw this.#trouble
    if (this.#trouble !== undefined) return this.#trouble
    assert.deepEqual([request.TableName, request.Key], ['words-CoordinatorState', { key: { S: 'Leader' } }])
    if (action === 'GetItem') {
      await this.beforeRead
      const Item = this.row && Object.fromEntries(Object.entries(this.row).map(([key, S]) => [key, { S }]))
      this.afterRead()
      return Item === null ? {} : { Item }
    }
    assert.equal(action, 'UpdateItem')
    assert.equal(request.ConditionExpression, 'ownerName = :owner AND recordVersionNumber = :version')
    this.updates += 1
    const { ':owner': owner, ':version': version, ':yes': yes } = request.ExpressionAttributeValues ?? {}
    if (this.row?.ownerName !== owner?.S || this.row?.recordVersionNumber !== version?.S) {
      throw new AwsError('ConditionalCheckFailedException', 400, 'The conditional request failed')
    }
    this.row = { ...(this.row as Row), isReleased: yes?.S ?? '' }
    return {}
  }
}

interface Request {
  readonly TableName: string
  readonly Key: object
  readonly ConditionExpression?: string
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S: string }>>
}
