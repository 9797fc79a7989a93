// Faults on demand: what can be made to go wrong, how that is written, and when it strikes.
// Written as NAME[=VALUE][:WHEN][/SHARD]. Rule: every shard counts and throws its dice for itself, from the seed, so
// that a run can be repeated although its consumers run side by side.

import { createHash } from 'node:crypto'
import { UsageError } from '../../errors.ts'
import type { KeyOf } from '../stream/record-line.ts'
import type { Shard } from '../stream/stream.ts'
import { type Random, seeded } from './random.ts'

/** The names of the faults that strike while a run goes on. */
export type FaultName =
  | 'refuse'
  | 'empty'
  | 'lease-lost'
  | 'shutdown'
  | 'split'
  | 'merge'
  | 'kill-consumer'
  | 'kill-daemon'

/** When a fault strikes: with a probability, the first times, or once after so many records of a shard. */
export type FaultTime = { readonly chance: number } | { readonly times: number } | { readonly after: number }

/** One fault. */
export interface Fault {
  readonly name: FaultName
  /** For `refuse`: the name of the exception. */
  readonly exception: string
  readonly time: FaultTime
  /** The only shard that it strikes, or null for all. */
  readonly shard: number | null
}

/** All that was asked for; `aggregate` and `oddKeys` shape the records from the start. */
export interface Faults {
  readonly faults: readonly Fault[]
  readonly aggregate: number
  readonly oddKeys: boolean
}

/** What the help says about faults. */
export const FAULT_HELP = `Faults are written NAME[=VALUE][:WHEN][/SHARD] and may be given more than once:
  refuse=EXCEPTION  a checkpoint is refused: ThrottlingException when DynamoDB is busy, RuntimeException
                    when it is out of reach, ShutdownException when the lease is lost
  empty             an empty batch comes first
  lease-lost        another worker takes the lease in the middle of a batch
  shutdown          the daemon asks for shutdown and hands the lease over
  split, merge      the shard is split, or merged with its neighbour
  kill-consumer     the consumer is killed in a batch; the daemon fails and starts again
  kill-daemon       the daemon is gone in a batch, and starts again
  aggregate=N       every N records share a sequence number, as the KPL packs them
  odd-keys          partition keys end in characters that are hard to carry
WHEN is a probability at each batch or checkpoint (0.05), a number of times (x3; x1 is the
default), or once after so many records of a shard (@500). /SHARD is a shard's number; without
it every shard has the fault for itself. Only the first shards are split or merged by count.`

/** Reads the faults as they are written. Throws `UsageError`. */
export function parseFaults(texts: readonly string[]): Faults {
  let aggregate = 1
  let oddKeys = false
  const faults: Fault[] = []
  for (const text of texts) {
    const match = FAULT.exec(text)
    const name = match?.groups?.name ?? ''
    const value = match?.groups?.value
    const plain = match?.groups?.when === undefined && match?.groups?.shard === undefined
    if (name === 'aggregate' && plain && /^([2-9]|[1-9]\d{1,3})$/.test(value ?? '')) aggregate = Number(value)
    else if (name === 'odd-keys' && plain && value === undefined) oddKeys = true
    else faults.push(parseFault(text, match))
  }
  return { faults, aggregate, oddKeys }
}

function parseFault(text: string, match: RegExpExecArray | null): Fault {
  const { name = '', value, when = 'x1', shard } = match?.groups ?? {}
  const time = parseTime(when)
  const known =
    NAMES.has(name) && (name === 'refuse' ? /^[A-Za-z][\w.$]*$/.test(value ?? '') : value === undefined)
  if (!known || time === null) {
    throw new UsageError(
      `--fault: "${text}" is not a fault. Write for instance refuse=ThrottlingException:0.1, lease-lost:@500 or split/0; see dev --help.`,
    )
  }
  if ('chance' in time && time.chance === 1 && name !== 'refuse') {
    throw new UsageError(`--fault: "${text}" would strike at every batch, and the run would never end.`)
  }
  return {
    name: name as FaultName,
    exception: value ?? '',
    time,
    shard: shard === undefined ? null : Number(shard),
  }
}

function parseTime(text: string): FaultTime | null {
  const number = Number(text.slice(1))
  if (/^x[1-9]\d{0,8}$/.test(text)) return { times: number }
  if (/^@\d{1,12}$/.test(text)) return { after: number }
  const chance = Number(text)
  return /^[01]?(\.\d+)?$/.test(text) && text !== '' && chance > 0 && chance <= 1 ? { chance } : null
}

/** Decides when faults strike. */
export class FaultPlan {
  readonly #faults: readonly Fault[]
  readonly #seed: number
  readonly #counts = new Map<string, { struck: number; random: Random }>()

  constructor(faults: readonly Fault[], seed: number) {
    this.#faults = faults
    this.#seed = seed
  }

  /** Whether there is anything to decide. */
  get isEmpty(): boolean {
    return this.#faults.length === 0
  }

  /** The fault of this name that strikes the shard now, or null. `delivered`: records of the shard so far. */
  strike(name: FaultName, shard: Shard, delivered: number): Fault | null {
    for (const [at, fault] of this.#faults.entries()) {
      if (fault.name !== name || (fault.shard !== null && fault.shard !== shard.number)) continue
      if (this.#strikes(fault, at, shard, delivered)) return fault
    }
    return null
  }

  /** Dice for what is left open, such as the moment in a batch. */
  dice(name: string, shard: Shard): Random {
    return this.#count(`${name}/dice`, shard).random
  }

  #strikes(fault: Fault, at: number, shard: Shard, delivered: number): boolean {
    const count = this.#count(String(at), shard)
    const { time } = fault
    if ('chance' in time) return count.random() < time.chance
    // The children of a shard that was split by count would be split at once, and theirs, without end.
    if ((fault.name === 'split' || fault.name === 'merge') && shard.parents.length > 0) return false
    const due = 'times' in time ? count.struck < time.times : count.struck === 0 && delivered >= time.after
    if (due) count.struck += 1
    return due
  }

  #count(key: string, shard: Shard): { struck: number; random: Random } {
    const name = `${key}/${shard.number}`
    const found = this.#counts.get(name) ?? { struck: 0, random: seeded(this.#seed, name) }
    this.#counts.set(name, found)
    return found
  }
}

/** The same key rule, with something hard to carry at the end of each key; equal keys stay equal. */
export function oddKeys(keyOf: KeyOf): KeyOf {
  return (line, where) => {
    const key = keyOf(line, where)
    const choice = createHash('md5').update(key).digest()[0] ?? 0
    const odd = key + (ODD_ENDINGS[choice % ODD_ENDINGS.length] ?? '')
    return [...odd].length <= LONGEST_KEY ? odd : key
  }
}

const NAMES: ReadonlySet<string> = new Set<FaultName>([
  'refuse',
  'empty',
  'lease-lost',
  'shutdown',
  'split',
  'merge',
  'kill-consumer',
  'kill-daemon',
])
const FAULT = /^(?<name>[a-z-]+)(=(?<value>[^:/]*))?(:(?<when>[^/]*))?(\/(?<shard>\d{1,9}))?$/
const LONGEST_KEY = 256
const ODD_ENDINGS = [
  ' ',
  '"',
  '\\',
  "'",
  '\n',
  '\r\n',
  '\t',
  '\0',
  '\u0085',
  '\u2028',
  '\u2029',
  '\ufeff',
  'ü',
  '漢',
  '😀',
  '{"action":"status"}',
  `|${'x'.repeat(200)}`,
]
