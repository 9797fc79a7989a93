// Reads the death of a consumer out of the daemon's log. Either an action was broken off, and the daemon names it with
// its shard; or the daemon could not even write to the consumer: then it names neither, and ends all the same.

import { type ConsumerProtocol, protocolHint } from '../../children/command.ts'
import { isAlive } from '../machine/processes.ts'
import { briefly } from './causes.ts'
import { Death, type Guess } from './last-words.ts'
import type { DaemonEvent } from './marks.ts'
import { PROTOCOL } from './narrator.ts'
import type { Reporter } from './reporter.ts'
import type { Roster } from './roster.ts'

/** The death that an event tells of; `named` says that the daemon named the action that was broken off. */
export function deathIn(
  event: DaemonEvent,
  roster: Roster,
  reporter: Reporter,
  protocol: ConsumerProtocol,
): { readonly death: Death; readonly named: boolean } | undefined {
  const [, action, shardId] = (event.logger === PROTOCOL && BROKEN_OFF.exec(event.message)) || []
  if (action !== undefined && shardId !== undefined) {
    const ended = event.causes.some((cause) => cause.includes('Reached end of STDIN'))
    const what = ended
      ? `ended before it acknowledged ${action}`
      : `did not answer ${action} as it must: ${briefly(event)}`
    const entry = { shardId, lastWords: roster.lastWordsOf(shardId) }
    const guess: Guess = (value, words) =>
      ended && action === 'initialize' ? protocolHint(protocol, value, words) : undefined
    return { death: new Death(entry, what, event.thread, reporter, guess), named: true }
  }
  if (event.logger !== PROCESSOR || !GAVE_UP.test(event.message)) return undefined
  const dead = roster.dead(isAlive)
  const what = dead === undefined ? `is given up: ${briefly(event)}` : 'ended before it could be spoken to'
  const entry = dead ?? { shardId: 'a shard', lastWords: [] }
  return { death: new Death(entry, what, event.thread, reporter), named: false }
}

/** The exit value of a consumer that the daemon has seen out. */
export function exitValueIn({ logger, message }: DaemonEvent): number | undefined {
  const value = logger === PROCESSOR ? EXITED.exec(message)?.[1] : undefined
  return value === undefined ? undefined : Number(value)
}

const PROCESSOR = 'MultiLangShardRecordProcessor'
const BROKEN_OFF = /^Failed to get status message for (\w+) action for shard (\S+)/
const GAVE_UP = /^Encountered an error (while trying to|during)/
const EXITED = /^Child process exited with value: (\d+)/
