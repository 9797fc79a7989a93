// The effective configuration: flags before variables before the file before our defaults, one setting per
// field. What a stronger source sets, it takes from the weaker ones entirely, under whatever name: for two
// keys of one field the daemon would let an arbitrary one win. Pure; reads no file and no environment.

import { exactName, fieldOf, nearestName, relaxedName } from './catalogue/catalogue.ts'
import { successorOf } from './catalogue/successors.ts'
import type { Finding } from './lint/finding.ts'
import type { Property } from './properties.ts'
import type { Setting, Source, Written } from './setting.ts'

/** The effective settings by key, in the order flags, variables, file, defaults; and what was wrong with the names. */
export interface Merged {
  readonly settings: ReadonlyMap<string, Setting>
  readonly findings: readonly Finding[]
}

/** Merges everything that was written; each list has the order in which it was written. */
export function mergeSettings(written: readonly Written[]): Merged {
  const settings = new Map<string, Setting>()
  const findings: Finding[] = []
  const taken = new Map<string, Setting>()
  for (const source of SOURCES) {
    const own = new Map<string, Setting>()
    for (const each of written) {
      if (each.source !== source) continue
      const key = source === 'file' || source === 'default' ? exactName(each.key) : relaxedName(each.key)
      if (key === undefined) findings.push(unknownName(each))
      else place({ ...each, key, writtenKey: each.key, replaces: [] }, own, findings)
    }
    for (const [field, setting] of own) {
      const stronger = taken.get(field)
      if (stronger === undefined) taken.set(field, setting)
      else if (source !== 'default') {
        taken.set(field, { ...stronger, replaces: [...stronger.replaces, setting.place] })
      }
    }
  }
  for (const setting of taken.values()) settings.set(setting.key, setting)
  return { settings, findings }
}

/** The properties of a file as written settings. */
export function fromFile(properties: readonly Property[], file: string): Written[] {
  return properties.map(({ key, value, written, line }) => ({
    key,
    value,
    source: 'file',
    place: `${file} line ${line}`,
    raw: written,
  }))
}

/** `KCL_…` variables as written settings. What Kubernetes adds for a service called kcl is left out, and our own too. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Written[] {
  const written: Written[] = []
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('KCL_') || value === undefined || NOT_SETTINGS.test(name)) continue
    written.push({ key: name.slice('KCL_'.length), value, source: 'environment', place: name })
  }
  return written
}

// Two spellings of one field inside one source: which one the daemon takes depends on a hash table.
function place(setting: Setting, own: Map<string, Setting>, findings: Finding[]): void {
  const field = fieldOf(setting.key)
  const other = own.get(field)
  own.set(field, setting)
  if (other === undefined) return
  if (field === 'stream' && other.key !== setting.key) {
    own.set(field, setting.key === 'streamArn' ? setting : other)
    findings.push({
      severity: streamOf(setting) === streamOf(other) ? 'info' : 'error',
      key: 'streamName',
      message: `${other.place} gives ${other.writtenKey} and ${setting.place} gives ${setting.writtenKey}; the daemon takes the ARN and ignores the name.`,
      remedy: 'Keep one of them.',
    })
  } else if (other.writtenKey === setting.writtenKey) {
    if (other.value === setting.value) return
    findings.push({
      severity: 'warning',
      key: setting.key,
      message: `${setting.writtenKey} is given twice, at ${other.place} and ${setting.place}; the last one counts.`,
      remedy: 'Remove one of them.',
    })
  } else if (other.key !== setting.key || other.value !== setting.value) {
    findings.push({
      severity: 'error',
      key: setting.key,
      message: `${other.writtenKey} (${other.place}) and ${setting.writtenKey} (${setting.place}) set the same thing; the daemon would take an arbitrary one.`,
      remedy: 'Keep one of them.',
    })
  }
}

function streamOf(setting: Setting): string {
  return setting.key === 'streamArn' ? setting.value.slice(setting.value.lastIndexOf('/') + 1) : setting.value
}

// A variable may belong to somebody else; a key in the file or a flag was meant for us.
function unknownName(written: Written): Finding {
  const near = nearestName(written.key)
  const other =
    written.source === 'environment' ? 'If it belongs to another program, let it be.' : 'Remove it.'
  const suggestion =
    successorOf(written.key) ?? (near === undefined ? other : `Did you mean ${suggest(near, written)}?`)
  const name = written.source === 'environment' || written.source === 'flag' ? written.place : written.key
  const where = written.source === 'file' ? ` (${written.place})` : ''
  return {
    severity: written.source === 'environment' ? 'warning' : 'error',
    key: written.key,
    message: `${name}${where} is not a property of the daemon${written.source === 'file' ? ', which ignores such keys without a word' : ''}.`,
    remedy: suggestion,
  }
}

function suggest(key: string, written: Written): string {
  if (written.source === 'environment') return `KCL_${kebab(key).replaceAll('-', '_').toUpperCase()}`
  return written.source === 'flag' && !written.place.startsWith('--set') ? `--${kebab(key)}` : key
}

/** A key as a flag spells it: `streamName` becomes `stream-name`, `dynamoDBEndpoint` becomes `dynamo-db-endpoint`. */
export function kebab(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .replaceAll('.', '-')
    .toLowerCase()
}

const SOURCES: readonly Source[] = ['flag', 'environment', 'file', 'default']
// For a service called kcl, Kubernetes sets KCL_SERVICE_HOST, KCL_SERVICE_PORT…, KCL_PORT and KCL_PORT_80_TCP….
const NOT_SETTINGS = /^KCL_(SESSION_|SERVICE_|PORT($|_))/
