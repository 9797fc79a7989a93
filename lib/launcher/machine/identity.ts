// The worker's name in the lease table. A stable one saves two minutes after a kill -9; but two live daemons of
// one name fight over every lease in silence. So a name is stable only where this machine can tell that nobody
// else has it: host, boot, network namespace, and a slot. Never kept in a file.
// Two slots, because a daemon may outlive its launcher: one is the launcher's, and answers with the stream; the
// other is held by the daemon's whole group, and a name is free when both are.

import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { UsageError } from '../../errors.ts'
import { askHolders, holdSlot, namePart, type Slot, waitForSlot } from './slot.ts'

/** Who asks for a name. */
export interface IdentityRequest {
  readonly application: string
  readonly stream: string
  /** The name that was asked for, if one was. */
  readonly explicit: string | undefined
  /** Is told when a daemon without its launcher is waited for. */
  readonly note: (text: string) => void
  readonly signal?: AbortSignal | undefined
}

/** A name, held until the process ends or it is released. */
export interface Identity {
  readonly workerIdentifier: string
  /** For the daemon's group to hold; undefined where there are no slots. */
  readonly descriptor: number | undefined
  release(): void
}

/**
 * Takes a name for a worker of this application. Throws UsageError when an explicit one is in use on this machine, or
 * when the application reads another stream here.
 */
export async function takeIdentity(request: IdentityRequest): Promise<Identity> {
  const { application, explicit } = request
  await refuseOtherStream(request)
  if (explicit !== undefined) {
    const taken = await take(request, explicit)
    if (taken !== 'taken') return taken
    throw new UsageError(
      `A daemon of ${application} with workerIdentifier ${explicit} runs on this machine already; two of one name would fight over every lease. Give this one another name, or none.`,
    )
  }
  const machine = process.platform === 'linux' ? machineName() : undefined
  for (let number = 0; machine !== undefined && number < MOST_SLOTS; number++) {
    const taken = await take(request, `${machine}-${number}`)
    if (taken !== 'taken') return taken
  }
  return { workerIdentifier: `${hostname()}-${randomUUID()}`, descriptor: undefined, release: () => {} }
}

/** The name that the first worker of an application gets here; undefined where names are random. */
export function firstWorkerIdentifier(): string | undefined {
  const machine = process.platform === 'linux' ? machineName() : undefined
  return machine === undefined ? undefined : `${machine}-0`
}

async function take(request: IdentityRequest, workerIdentifier: string): Promise<Identity | 'taken'> {
  const { application, stream, note, signal } = request
  const name = `${launchersOf(application)}${namePart(workerIdentifier)}`
  const own = await holdSlot(name, stream)
  if (own === 'taken') return 'taken'
  if (own === 'unsupported') return { workerIdentifier, descriptor: undefined, release: () => {} }
  try {
    const group = await waitForSlot(
      `daemon/${namePart(application)}/${namePart(workerIdentifier)}`,
      () =>
        note(
          `The launcher of ${workerIdentifier} was killed, and its daemon is still ending what it has in hand; waiting for that, for as long as its --stop-timeout at most.`,
        ),
      signal,
    )
    const held: (Slot | undefined)[] = [group, own]
    return {
      workerIdentifier,
      descriptor: group?.descriptor,
      release: () => held.forEach((slot) => slot?.release()),
    }
  } catch (error) {
    own.release()
    throw error
  }
}

// Leases do not say of which stream they are: of two streams in one table, one is never read.
async function refuseOtherStream({ application, stream }: IdentityRequest): Promise<void> {
  const other = (await askHolders(launchersOf(application))).find((answer) => answer !== stream)
  if (other === undefined) return
  throw new UsageError(
    `${application} reads the stream ${other} on this machine now, and its lease table cannot hold the leases of ${stream} as well: one of the two would not be read. Give each stream an application of its own: --application-name=NAME.`,
  )
}

function launchersOf(application: string): string {
  return `run/${namePart(application)}/`
}

function machineName(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').replaceAll('-', '').slice(0, 8)
    return `${hostname()}-${boot}-${statSync('/proc/self/ns/net').ino}`
  } catch {
    return undefined
  }
}

const MOST_SLOTS = 1000
