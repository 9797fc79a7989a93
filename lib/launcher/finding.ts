// What the lint says: one finding names one key, what the daemon would do with it, and the remedy.

/** Errors stop the start, warnings do not, information is shown by `check` alone. */
export type Severity = 'error' | 'warning' | 'info'

/** One thing worth knowing about the configuration. */
export interface Finding {
  readonly severity: Severity
  readonly key: string
  readonly message: string
  readonly remedy?: string
}

/** One line for a terminal: `error: …`. */
export function formatFinding({ severity, message, remedy }: Finding): string {
  return `${severity}: ${message}${remedy === undefined ? '' : ` ${remedy}`}`
}

/** Whether the configuration may be used: no errors, and with `strict` no warnings either. */
export function mayStart(findings: readonly Finding[], strict: boolean): boolean {
  return !findings.some(({ severity }) => severity === 'error' || (strict && severity === 'warning'))
}
