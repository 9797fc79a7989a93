import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DaemonEvent } from '../../../lib/launcher/supervision/marks.ts'
import { Narrator } from '../../../lib/launcher/supervision/narrator.ts'
import { Reporter } from '../../../lib/launcher/supervision/reporter.ts'
import { ManualClock } from '../../../lib/testing/manual-clock.ts'
import { TestWorker } from '../../helpers/worker.ts'

test('tells in one line which leases were lost, of shards whose consumers are at work', () => {
  const desk = new Desk(['a', 'b'])
  for (const shard of ['b', 'a', 'ended'])
    desk.follow('DynamoDBLeaseRenewer', `Worker w lost lease with key ${shard}`)
  assert.equal(desk.said, '')
  desk.narrator.tick()
  assert.match(desk.said, /^\S+ WARN {2}kcl-session: The leases of a and b are lost: /)
  desk.narrator.tick()
  assert.equal(desk.said.split('\n').length, 2)
})

test('says nothing of leases that are lost because the run is being ended', () => {
  const desk = new Desk(['a'])
  desk.narrator.end()
  desk.follow('DynamoDBLeaseRenewer', 'Worker w lost lease with key a')
  desk.narrator.tick()
  assert.equal(desk.said, '')
})

test('tells of a consumer that is still there a minute after its lease was to go', () => {
  const desk = new Desk(['a', 'b'])
  for (const shard of ['a', 'b'])
    desk.follow('LeaseGracefulShutdownHandler', `Calling graceful shutdown for lease ${shard}`)
  desk.atWork = ['a']
  for (const [after, told] of [
    [59_999, false],
    [1, true],
  ] as const) {
    desk.clock.advance(after)
    desk.narrator.tick()
    assert.equal(/WARN .*a: its lease was to go to another worker 60 s ago/.test(desk.said), told)
  }
  assert.doesNotMatch(desk.said, /WARN .* b: /)
})

test('warns of a lease that is to go to another worker before its consumer was started', () => {
  const desk = new Desk(['a'])
  for (const shard of ['a', 'b'])
    desk.follow('LeaseGracefulShutdownHandler', `Calling graceful shutdown for lease ${shard}`)
  assert.match(desk.said, /INFO {2}kcl-session: a: the leader gives/)
  assert.match(desk.said, /WARN {2}kcl-session: b: the leader gives .* nobody reads the shard until/)
  assert.equal(desk.said.match(/WARN/g)?.length, 1)
})

test('tells once that the daemon gives up leading, however often that says so', () => {
  const desk = new Desk([])
  for (let times = 3; times < 20; times++) {
    desk.follow(
      'LeaseAssignmentManager',
      `Failed to perform assignment ${times} times in a row, releasing leadership from worker : w`,
      'ERROR',
    )
    desk.clock.advance(500)
  }
  assert.equal(desk.said.match(/This worker gives up leading the application/g)?.length, 1)
  assert.doesNotMatch(desk.said, /Failed to perform/)
  assert.equal(desk.givenUp, 1)
})

test('tells a cause again when it comes back after work went on', () => {
  const desk = new Desk([])
  desk.narrator.begin()
  const refuse = (): void =>
    desk.follow('Scheduler', 'x', 'ERROR', [
      'java.net.ConnectException: Connection refused: localhost/127.0.0.1:9',
    ])
  refuse()
  desk.clock.advance(1000)
  refuse()
  assert.equal(desk.said.match(/Nothing answers at localhost:9/g)?.length, 1)
  desk.clock.advance(71_000)
  assert.equal(desk.narrator.complaint, undefined)
  refuse()
  assert.equal(desk.said.match(/Nothing answers at localhost:9/g)?.length, 2)
})

class Desk {
  said = ''
  givenUp = 0
  atWork: readonly string[]
  readonly clock = new ManualClock()
  readonly narrator: Narrator

  constructor(atWork: readonly string[]) {
    this.atWork = atWork
    const write = (text: string): void => {
      this.said += text
    }
    this.narrator = new Narrator({
      worker: new TestWorker().worker,
      context: { streamName: 's', applicationName: 'a', region: 'r' },
      reporter: new Reporter({ level: 'warn', json: false, output: { write }, now: () => 0 }),
      clock: this.clock,
      onGivingUp: () => {
        this.givenUp += 1
      },
      isAtWork: (shardId) => this.atWork.includes(shardId),
    })
  }

  follow(logger: string, message: string, level = 'INFO', causes: readonly string[] = []): void {
    const event: DaemonEvent = { level, time: '', thread: '', logger, message, causes, stack: [] }
    this.narrator.follow(event, false)
  }
}
