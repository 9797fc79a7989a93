// The lint as a whole: every value by itself, then what settings say about each other and about the
// machine. Each finding names the key, what the daemon would silently do, and the remedy.

import type { Setting } from '../setting.ts'
import { Effective, type Finding, type LintContext } from './finding.ts'
import { placeRules } from './places.ts'
import { lintValue } from './values.ts'
import { workRules } from './work.ts'

/** All findings about the effective settings. */
export function lint(settings: ReadonlyMap<string, Setting>, context: LintContext): Finding[] {
  const findings = [...settings.values()].flatMap(lintValue)
  const effective = new Effective(settings)
  for (const rule of [...workRules(), ...placeRules()]) findings.push(...rule(effective, context))
  return findings
}
