// What `check` prints: the effective configuration with the source of every value, the findings, and, for
// `--explain`, one property. Secrets are masked. Pure text.

import { catalogue, entryOf, isClientKey, nearestName, relaxedName } from './catalogue/catalogue.ts'
import type { Entry } from './catalogue/entry.ts'
import type { Configuration } from './configuration.ts'
import { type Finding, formatFinding } from './lint/finding.ts'
import { retrievalInEffect } from './lint/work.ts'
import { maskText, maskValue } from './masking.ts'
import { kebab } from './settings.ts'

/** The configuration and every finding, as text for a terminal. */
export function reportConfiguration({ settings, findings }: Configuration): string {
  const rows = [...settings.values()]
    .sort((one, other) => one.key.localeCompare(other.key))
    .map(({ key, value, place, replaces }) => {
      const replaced = replaces.length > 0 ? `, instead of ${replaces.join(', ')}` : ''
      return [key, maskValue(key, value), `${place}${replaced}`] as const
    })
  if (!settings.has('workerIdentifier')) {
    rows.push(['workerIdentifier', '(chosen at the start)', 'default of kcl-session'])
  }
  const [keys, values] = [width(rows.map((row) => row[0])), width(rows.map((row) => row[1]))]
  const lines = rows.map(
    ([key, value, place]) => `${key.padEnd(keys)} = ${value.padEnd(Math.min(values, 48))}  ${place}`,
  )
  return [
    ...lines,
    '',
    `Records are read by ${retrievalInEffect(settings) === 'POLLING' ? 'polling' : 'enhanced fan-out'}.`,
    '',
    ...findings.map((finding) => maskText(formatFinding(finding))),
    summary(findings),
  ].join('\n')
}

/** Everything known about one property, by any spelling; undefined where there is no such property. */
export function explain(name: string): string | undefined {
  const key = relaxedName(name)
  const entry = key === undefined ? undefined : entryOf(key)
  if (key === undefined || entry === undefined) return undefined
  const lines = [key, `  ${entry.note}`, `  takes:    ${takes(entry)}`]
  if (!isClientKey(key)) lines.push(`  without:  ${entry.default ?? '–'}`)
  if (entry.aliases) lines.push(`  also:     ${entry.aliases.join(', ')}`)
  lines.push(
    `  flag:     --${kebab(key)}=…`,
    `  variable: KCL_${kebab(key).replaceAll('-', '_').toUpperCase()}`,
  )
  if (entry.trap !== undefined) lines.push(`  mind:     ${entry.trap}`)
  if (entry.noEffect) lines.push(`  mind:     No effect on this daemon.${remedyOf(entry)}`)
  return lines.join('\n')
}

/** What to say where `explain` knows nothing. */
export function unexplained(name: string): string {
  const near = nearestName(name)
  return `${name} is not a property of the daemon.${near === undefined ? '' : ` Did you mean ${near}?`}`
}

/** The reference of all properties as a table in Markdown. */
export function reference(): string {
  const rows = [...catalogue].map(([key, entry]) =>
    [`\`${key}\``, takes(entry), entry.default ?? '', [entry.note, entry.trap].filter(Boolean).join(' ')]
      .map((cell) => cell.replaceAll('|', '\\|'))
      .join(' | '),
  )
  return [
    '| property | takes | without it | note |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n')
}

function remedyOf(entry: Entry): string {
  return typeof entry.noEffect === 'object' ? ` ${entry.noEffect.remedy}` : ''
}

function takes(entry: Entry): string {
  if (entry.values && entry.kind === 'enum') return entry.values.join(', ')
  const range = [
    entry.min === undefined ? '' : `from ${entry.min}`,
    entry.max === undefined ? '' : `to ${entry.max}`,
  ]
  return [KINDS[entry.kind], ...range].filter((part) => part !== '').join(' ')
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: string): number =>
    findings.filter((finding) => finding.severity === severity).length
  const [errors, warnings] = [count('error'), count('warning')]
  if (errors === 0 && warnings === 0) return 'Nothing is wrong with it.'
  return `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`
}

function width(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}

const KINDS: Readonly<Record<Entry['kind'], string>> = {
  text: 'text',
  command: 'a command',
  integer: 'a whole number',
  long: 'a whole number',
  decimal: 'a number',
  boolean: 'true or false',
  enum: 'one of',
  epochSeconds: 'epoch seconds',
  duration: 'an ISO 8601 duration',
  url: 'an address with http:// or https://',
  region: 'a region',
  arn: 'an ARN',
  credentials: 'class names, with arguments after |',
  list: 'words with commas between',
  tags: 'key=value with commas between',
  unknownSetter: 'nothing: the daemon stops at it',
}
