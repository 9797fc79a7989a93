// The worker's name in the lease table. A stable one saves two minutes after a kill -9; but two live daemons of
// one name fight over every lease in silence. So a name is stable only where this machine can tell that nobody
// else has it: host, boot, network namespace, and a slot that is held for life. Never kept in a file.

import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { UsageError } from '../../errors.ts'
import { holdSlot, type Slot } from './slot.ts'

/** A name, held until the process ends. */
export interface Identity {
  readonly workerIdentifier: string
  readonly slot: Slot | undefined
}

/** Takes a name for a worker of this application; throws UsageError when an explicit one is in use on this machine. */
export async function takeIdentity(application: string, explicit: string | undefined): Promise<Identity> {
  if (explicit !== undefined) return explicitIdentity(application, explicit)
  const machine = machineName()
  for (let number = 0; machine !== undefined && number < MOST_SLOTS; number++) {
    const slot = await holdSlot(`${application}/${number}`)
    if (slot === 'unsupported') break
    if (slot !== 'taken') return { workerIdentifier: `${machine}-${number}`, slot }
  }
  return { workerIdentifier: `${hostname()}-${randomUUID()}`, slot: undefined }
}

/** The name that the first worker of an application gets here; undefined where names are random. */
export function firstWorkerIdentifier(): string | undefined {
  const machine = process.platform === 'linux' ? machineName() : undefined
  return machine === undefined ? undefined : `${machine}-0`
}

async function explicitIdentity(application: string, workerIdentifier: string): Promise<Identity> {
  const slot = await holdSlot(`${application}/worker/${workerIdentifier}`)
  if (slot === 'taken') {
    throw new UsageError(
      `A daemon of ${application} with workerIdentifier ${workerIdentifier} runs on this machine already; two of one name would fight over every lease. Give this one another name, or none.`,
    )
  }
  return { workerIdentifier, slot: slot === 'unsupported' ? undefined : slot }
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
