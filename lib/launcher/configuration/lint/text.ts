// The lint of a value as text: what Java's reading of .properties does to it. Trailing blanks belong to the value,
// there are no inline comments, backslashes are eaten, and the bytes are ISO-8859-1.

import { entryOf } from '../catalogue/catalogue.ts'
import { isPlaceholder } from '../credentials.ts'
import { maskValue } from '../masking.ts'
import type { Setting } from '../setting.ts'
import type { Finding, Severity } from './finding.ts'

/** Makes a finding about the setting in hand. */
export type Say = (severity: Severity, message: string, remedy: string) => Finding

/** What is wrong with the text of a value, whatever it means. */
export function lintText({ key, value, source, raw }: Setting, say: Say): Finding[] {
  const findings: Finding[] = []
  const kind = entryOf(key)?.kind
  if (
    /\s$/.test(value) &&
    kind !== 'integer' &&
    kind !== 'long' &&
    kind !== 'command' &&
    value.trim() !== ''
  ) {
    findings.push(
      say(
        'error',
        `ends in a blank, which is part of the value: ${JSON.stringify(maskValue(key, value))}.`,
        'Remove it.',
      ),
    )
  }
  const shell = kind === 'command' ? undefined : SHELL.exec(value)?.[0]
  if (shell !== undefined) {
    findings.push(
      say(
        'error',
        `has ${shell} in it, which nobody fills in: the daemon takes it as it stands.`,
        'Give the value by a flag or a KCL_… variable, where the shell fills it in.',
      ),
    )
  } else if ((kind === 'text' || kind === 'region' || kind === 'arn') && isPlaceholder(value)) {
    findings.push(
      say(
        'warning',
        `is ${value.trim()}, which looks like a placeholder.`,
        'Put the real value in its place.',
      ),
    )
  }
  if (source !== 'file') return findings
  const comment = /\s[#!].*$/.exec(value)?.[0]
  if (comment !== undefined && kind !== 'command') {
    findings.push(
      say(
        'error',
        `has no comment behind it: "${comment.trim()}" is part of the value.`,
        'Put comments on lines of their own.',
      ),
    )
  }
  if (raw !== undefined && /(?<!\\)(?:\\\\)*\\[^\\tnrfu:=#! ]/.test(raw)) {
    findings.push(
      say(
        'warning',
        `loses its backslashes: Java reads ${JSON.stringify(maskValue(key, value))}.`,
        'Write each one twice.',
      ),
    )
  }
  if (/[\u00c2-\u00f4][\u0080-\u00bf]/.test(value)) {
    findings.push(
      say(
        'warning',
        'seems to be UTF-8, but Java reads ISO-8859-1 and gets other letters.',
        'Write \\uXXXX.',
      ),
    )
  }
  return findings
}

// `${NAME}`, `$NAME`, `$(command)`, `%NAME%`, `{{name}}` and backticks.
const SHELL = /\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|\{\{[^}]*\}\}|`[^`]*`/
