// What a rule of the lint is given and what it returns.

import type { Finding, Severity } from './finding.ts'
import type { Setting } from './settings.ts'

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
