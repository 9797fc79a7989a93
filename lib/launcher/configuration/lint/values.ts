// The lint of single values: what is malformed, out of range or without effect. commons-beanutils turns a
// malformed number into 0 and a malformed boolean into false, and Java keeps trailing blanks, without a word.

import { entryOf } from '../catalogue/catalogue.ts'
import type { Entry } from '../catalogue/entry.ts'
import { readProviders, usableProviders } from '../credentials.ts'
import { hasSecretArgument, maskValue } from '../masking.ts'
import type { Setting } from '../setting.ts'
import type { Finding } from './finding.ts'
import { lintText, type Say } from './text.ts'

/** Everything that can be said about one setting without looking at the others. */
export function lintValue(setting: Setting): Finding[] {
  const entry = entryOf(setting.key)
  if (entry === undefined) return []
  const say: Say = (severity, message, remedy) => ({
    severity,
    key: setting.key,
    message: `${setting.key} (${setting.place}) ${message}`,
    remedy,
  })
  const malformed = lintKind(entry, setting, say)
  if (entry.noEffect === 'harmless')
    return [say('info', 'has no effect on this daemon.', 'It may be removed.')]
  // Out of its range, even this stops the daemon.
  if (entry.noEffect)
    return [malformed ?? say('warning', 'has no effect on this daemon.', entry.noEffect.remedy)]
  const findings = [...lintText(setting, say)]
  if (malformed) findings.push(malformed)
  else findings.push(...lintEffect(entry, setting, say))
  return findings
}

function lintKind(entry: Entry, { key, value, place }: Setting, say: Say): Finding | undefined {
  const shown = JSON.stringify(maskValue(key, value))
  const text = value.trim()
  switch (entry.kind) {
    case 'integer':
    case 'long':
      if (!/^[+-]?\d+$/.test(text)) {
        return say(
          'error',
          `is ${shown}, not a whole number; the daemon would silently take 0.`,
          'Write digits only.',
        )
      }
      if (BigInt(text.replace('+', '')) > (entry.kind === 'integer' ? 2n ** 31n - 1n : 2n ** 63n - 1n)) {
        return say(
          'error',
          `is ${shown}, too large; the daemon would silently take 0.`,
          'Write a smaller number.',
        )
      }
      return lintRange(entry, Number(text), say)
    case 'decimal':
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return lintRange(entry, Number(text), say)
      return say(
        'error',
        `is ${shown}, not a number; the daemon would silently take 0.`,
        'Write a number such as 0.5.',
      )
    case 'boolean':
      if (BOOLEANS.test(text)) return undefined
      return say('error', `is ${shown}; the daemon would silently take false.`, 'Write true or false.')
    case 'enum':
      if (entry.values?.includes(text.toUpperCase())) return undefined
      return say(
        'error',
        `is ${shown}; the daemon would stop with a stack trace.`,
        enumRemedy(entry, key, text),
      )
    case 'epochSeconds':
      if (/^\d+$/.test(text)) return undefined
      return say(
        'error',
        `is ${shown}; the daemon would stop with a stack trace.`,
        'Write whole seconds since 1970.',
      )
    case 'duration':
      if (ISO_DURATION.test(text) && !/P(T)?$/i.test(text) && !text.includes('-')) return undefined
      return say(
        'error',
        `is ${shown}; the daemon would stop with a stack trace.`,
        'Write it as P1D or PT2H30M.',
      )
    case 'url':
      return lintUrl(text, shown, say)
    case 'arn':
      if (/^arn:[^:]+:kinesis:[^:]+:\d{12}:stream\/[^/\s]+(\/consumer\/\S+)?$/.test(text)) return undefined
      return say(
        'error',
        `is ${shown}, not the ARN of a stream.`,
        'Write it as arn:aws:kinesis:REGION:ACCOUNT:stream/NAME.',
      )
    case 'credentials':
      return lintCredentials(value, say)
    case 'tags':
      if (text.split(',').every((tag) => /^[^=]+=[^=]*$/.test(tag))) return undefined
      return say(
        'error',
        `is ${shown}; the daemon would leave out what is not key=value.`,
        'Write them as a=1,b=2.',
      )
    case 'region':
      if (/^[a-z]{2}(-[a-z]+)+-\d+$/.test(text)) return undefined
      return text === ''
        ? say('error', 'is empty; the daemon would stop with a stack trace.', 'Name a region, or remove it.')
        : say('warning', `is ${shown}, which does not look like a region.`, 'Write it as us-east-1.')
    case 'command':
      return place === COMMAND_PLACE ? undefined : lintCommand(text, say)
    case 'unknownSetter':
      return say(
        'error',
        'is not a setter of that client, and the daemon would stop at it.',
        `There are ${entry.values?.join(', ')}.`,
      )
    case 'list':
      return undefined
    case 'text':
      return text === '' ? say('error', 'is empty.', 'Give it a value, or remove it.') : undefined
  }
}

function lintRange(entry: Entry, number: number, say: Say): Finding | undefined {
  const { min, max } = entry
  if (max !== undefined && number > max) {
    return say('error', `is ${number}, and may be at most ${max}.`, `Write ${max} or less.`)
  }
  // A 0 that is not applied is told as that.
  if (min !== undefined && number < min && (number !== 0 || entry.boxed)) {
    return say('error', `is ${number}, and must be at least ${min}.`, `Write ${min} or more.`)
  }
  return undefined
}

// A primitive field that equals Java's own default is not applied: the daemon cannot tell it from "not set".
function lintEffect(entry: Entry, { key, value }: Setting, say: Say): Finding[] {
  if (entry.boxed) return []
  const applied = entry.default
  if (entry.kind === 'boolean' && applied === 'true' && FALSE.test(value.trim())) {
    return [
      say(
        'warning',
        "is false, which has no effect: it equals Java's default and is not applied.",
        'Remove it.',
      ),
    ]
  }
  const numeric = entry.kind === 'integer' || entry.kind === 'long' || entry.kind === 'decimal'
  if (numeric && Number(value) === 0 && applied !== undefined && !/^0\b/.test(applied)) {
    return [
      say('warning', `is 0, which is not applied: the daemon takes its default (${applied}).`, 'Remove it.'),
    ]
  }
  if (key === 'idleTimeBetweenReadsInMillis' && Number(value) < 200) {
    return [
      say('info', `is ${value.trim()}, but reads of a shard are at least 200 ms apart.`, 'It does no harm.'),
    ]
  }
  return []
}

function lintCommand(text: string, say: Say): Finding | undefined {
  if (text === '') return say('error', 'is empty.', COMMAND_REMEDY)
  const shell = /["'`\\$~|&;<>*]/.exec(text)?.[0]
  if (shell === undefined) return undefined
  return say(
    'warning',
    `has a ${shell} in it, but there is no shell: the daemon splits it on blanks.`,
    COMMAND_REMEDY,
  )
}

function lintUrl(text: string, shown: string, say: Say): Finding | undefined {
  if (!URL.canParse(text)) {
    return say('error', `is ${shown}, not an address; the daemon would stop with a stack trace.`, URL_REMEDY)
  }
  const { protocol, hostname } = new URL(text)
  if ((protocol !== 'http:' && protocol !== 'https:') || hostname === '') {
    return say('error', `is ${shown}; the daemon would never reach it.`, URL_REMEDY)
  }
  return undefined
}

function lintCredentials(value: string, say: Say): Finding | undefined {
  const { replaced, unknown, misfits } = readProviders(value)
  if (unknown.length > 0) {
    const known = usableProviders.join(', ')
    return say(
      'error',
      `names ${unknown.join(' and ')}, which the daemon would drop without a word.`,
      `Use one of ${known}, or the full name of a class in --jars.`,
    )
  }
  const [misfit] = misfits
  if (misfit !== undefined) return say('error', misfit.message, misfit.remedy)
  if (hasSecretArgument(value)) {
    return say(
      'warning',
      'carries a secret in its arguments, and the daemon logs every property.',
      'Put credentials in the environment, a profile or a role.',
    )
  }
  const names = replaced.map(({ from, to }) => `${from} is taken as ${to}`)
  return names.length === 0
    ? undefined
    : say(
        'info',
        `names classes of the SDK 1.x, on which the daemon fails: ${names.join(', ')}.`,
        'Write the new name.',
      )
}

function enumRemedy(entry: Entry, key: string, text: string): string {
  if (key === 'initialPositionInStream' && text.toUpperCase() === 'AT_TIMESTAMP') {
    return 'Use initialPositionInStreamExtended with epoch seconds instead.'
  }
  return `Write ${entry.values?.join(', ')}.`
}

/** Where a command came from that is taken word by word, and needs no lint. */
export const COMMAND_PLACE = 'the command after --'
const COMMAND_REMEDY = 'Give the command after --, where words may be quoted as you like.'
// What commons-beanutils takes for a boolean.
const BOOLEANS = /^(true|yes|y|on|1|false|no|n|off|0)$/i
const FALSE = /^(false|no|n|off|0)$/i
const ISO_DURATION = /^[+-]?P([+-]?\d+D)?(T([+-]?\d+H)?([+-]?\d+M)?([+-]?\d+([.,]\d{0,9})?S)?)?$/i
const URL_REMEDY = 'Write it with its scheme, as http://localhost:4568.'
