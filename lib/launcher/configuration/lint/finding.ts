// What a rule of the lint is given, and what it returns: a finding names one key, what the daemon would do with
// it, and the remedy.

import type { Setting } from '../setting.ts'

/** Errors stop the start, warnings do not, information is shown by `check` alone. */
export type Severity = 'error' | 'warning' | 'info'

/** One thing worth knowing about the configuration. */
export interface Finding {
  readonly severity: Severity
  readonly key: string
  readonly message: string
  readonly remedy?: string
}

/** Findings in the order in which they are shown: errors first. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((one, other) => RANK[one.severity] - RANK[other.severity])
}

/** One line for a terminal: `error: …`. */
export function formatFinding({ severity, message, remedy }: Finding): string {
  return `${severity}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`
}

/** Whether the configuration may be used: no errors, and with `strict` no warnings either. */
export function mayStart(findings: readonly Finding[], strict: boolean): boolean {
  return !findings.some(({ severity }) => severity === 'error' || (strict && severity === 'warning'))
}

/** What the lint knows besides the settings. */
export interface LintContext {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How long a stop may take, in milliseconds. */
  readonly stopTimeout: number
}

/** One trap. */
export type Rule = (settings: Effective, context: LintContext) => Finding[]

/** The settings as the rules ask for them. */
export class Effective {
  readonly settings: ReadonlyMap<string, Setting>

  constructor(settings: ReadonlyMap<string, Setting>) {
    this.settings = settings
  }

  value(key: string): string | undefined {
    return this.settings.get(key)?.value.trim()
  }

  number(key: string): number | undefined {
    const value = this.value(key)
    return value !== undefined && /^[+-]?\d+$/.test(value) ? Number(value) : undefined
  }

  say(severity: Severity, key: string, message: string, remedy: string): Finding {
    const setting = this.settings.get(key)
    return { severity, key, message: `${key}${setting ? ` (${setting.place})` : ''} ${message}`, remedy }
  }
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }
