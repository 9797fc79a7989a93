// Faults on demand: what can be made to go wrong, and how that is written: NAME[=VALUE][:WHEN][/SHARD].
// Rule: what is written wrong is refused, with the nearest right word; a fault that is taken can strike.

import { UsageError } from '../../errors.ts'

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
  /** As it was written. */
  readonly text: string
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

/** Every fault: how it is written, and what happens. */
export const FAULTS: Readonly<
  Record<FaultName | 'aggregate' | 'odd-keys', { readonly written: string; readonly about: string }>
> = {
  refuse: {
    written: 'refuse=EXCEPTION',
    about: `a checkpoint is refused: ThrottlingException when DynamoDB is busy, RuntimeException
when it is out of reach, ShutdownException when the lease is lost`,
  },
  empty: { written: 'empty', about: 'an empty batch comes first' },
  'lease-lost': { written: 'lease-lost', about: 'another worker takes the lease in the middle of a batch' },
  shutdown: { written: 'shutdown', about: 'the daemon asks for shutdown and hands the lease over' },
  split: { written: 'split', about: 'the shard is split' },
  merge: { written: 'merge', about: 'the shard is merged with its neighbour' },
  'kill-consumer': {
    written: 'kill-consumer',
    about: 'the consumer is killed in a batch; the daemon fails and starts again',
  },
  'kill-daemon': { written: 'kill-daemon', about: 'the daemon is gone in a batch, and starts again' },
  aggregate: {
    written: 'aggregate=N',
    about: 'every N records share a sequence number, as the KPL packs them',
  },
  'odd-keys': { written: 'odd-keys', about: 'partition keys end in characters that are hard to carry' },
}

/** When they strike. */
export const FAULT_TIMES = `WHEN is a probability at each batch or checkpoint (0.05), a number of times (x3; x1 is the
default), or once after so many records of a shard (@500). /SHARD is a shard's number; without
it every shard has the fault for itself. Only the first shards are split or merged by count.`

/** What the help says about faults. */
export const FAULT_HELP: string = [
  'Faults are written NAME[=VALUE][:WHEN][/SHARD] and may be given more than once:',
  ...Object.values(FAULTS).map(
    ({ written, about }) => `  ${written.padEnd(18)}${about.replaceAll('\n', `\n${' '.repeat(20)}`)}`,
  ),
  FAULT_TIMES,
].join('\n')

/** Finds the name that a word was probably meant to be. */
export type Suggest = (word: string, names: readonly string[]) => string | undefined

/** Reads the faults as they are written. Throws `UsageError`. */
export function parseFaults(texts: readonly string[], suggest: Suggest = () => undefined): Faults {
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
    else faults.push(parseFault(text, match, suggest))
  }
  return { faults, aggregate, oddKeys }
}

function parseFault(text: string, match: RegExpExecArray | null, suggest: Suggest): Fault {
  const { name = '', value, when = 'x1', shard } = match?.groups ?? {}
  const time = parseTime(when)
  const isKnown = NAMES.includes(name)
  if (!isKnown || time === null || (name === 'refuse') !== (value !== undefined)) {
    const near = isKnown ? undefined : suggest(name, [...NAMES, ...SHAPES])
    throw new UsageError(
      `--fault: "${text}" is not a fault.${didYouMean(near)} Write for instance refuse=ThrottlingException:0.1, lease-lost:@500 or split/0; see dev --help.`,
    )
  }
  if (value !== undefined && !EXCEPTIONS.includes(value)) {
    throw new UsageError(
      `--fault: the daemon refuses no checkpoint with "${value}".${didYouMean(suggest(value, EXCEPTIONS))} It does so with ${EXCEPTIONS.join(', ')}.`,
    )
  }
  if ('chance' in time && time.chance === 1 && name !== 'refuse') {
    throw new UsageError(`--fault: "${text}" would strike at every batch, and the run would never end.`)
  }
  return {
    text,
    name: name as FaultName,
    exception: value ?? '',
    time,
    shard: shard === undefined ? null : Number(shard),
  }
}

function didYouMean(name: string | undefined): string {
  return name === undefined ? '' : ` Did you mean "${name}"?`
}

function parseTime(text: string): FaultTime | null {
  const number = Number(text.slice(1))
  if (/^x[1-9]\d{0,8}$/.test(text)) return { times: number }
  if (/^@\d{1,12}$/.test(text)) return { after: number }
  const chance = Number(text)
  return /^[01]?(\.\d+)?$/.test(text) && text !== '' && chance > 0 && chance <= 1 ? { chance } : null
}

// What shapes the records and does not strike.
const SHAPES = ['aggregate', 'odd-keys']
const NAMES = Object.keys(FAULTS).filter((name) => !SHAPES.includes(name))
// The simple names of what the daemon's checkpointer throws. Any other could come of a bug; the last stands for them.
const EXCEPTIONS = [
  'ThrottlingException',
  'KinesisClientLibDependencyException',
  'ShutdownException',
  'InvalidStateException',
  'IllegalArgumentException',
  'RuntimeException',
  'NullPointerException',
]
const FAULT = /^(?<name>[a-z-]+)(=(?<value>[^:/]*))?(:(?<when>[^/]*))?(\/(?<shard>\d{1,9}))?$/
