// The lint as a whole: every value by itself, then what settings say about each other and about the
// machine. Each finding names the key, what the daemon would silently do, and the remedy.

import type { Finding, Severity } from './finding.ts'
import { Effective, type LintContext } from './lint-context.ts'
import { placeRules } from './lint-places.ts'
import { lintValue } from './lint-values.ts'
import { workRules } from './lint-work.ts'
import type { Setting } from './settings.ts'

/** All findings about the effective settings, errors first. */
export function lint(settings: ReadonlyMap<string, Setting>, context: LintContext): Finding[] {
  const findings = [...settings.values()].flatMap(lintValue)
  const effective = new Effective(settings)
  for (const rule of [...workRules(), ...placeRules()]) findings.push(...rule(effective, context))
  return findings.sort((one, other) => RANK[one.severity] - RANK[other.severity])
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }
