// Keeps secrets off the screen and out of logs: credential arguments, access keys, passwords in addresses.

import { entryOf } from './catalogue/catalogue.ts'
import { knownName } from './credentials.ts'

const MASK = '***'

/** The value of a property as it may be shown. */
export function maskValue(key: string, value: string): string {
  return maskText(entryOf(key)?.secret ? maskCredentials(value) : SECRET_KEY.test(key) ? MASK : value)
}

/** Any text with access keys, passwords and tokens taken out, in whatever form they stand there. */
export function maskText(text: string): string {
  return text
    .replace(/\b((?:AKIA|ASIA)[A-Z0-9]{4})[A-Z0-9]{8,}\b/g, `$1${MASK}`)
    .replace(/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,200}):[^\s/@]+@/gi, `$1:${MASK}@`)
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${MASK}`)
    .replace(PROVIDER, maskCredentials)
    .replace(IN_JSON, `$1${MASK}`)
    .replace(XML, `$1${MASK}$2`)
    .replace(ASSIGNED, (_, name: string, quote = '') => `${name}${quote}${MASK}`)
    .replace(OPTION, `$1${MASK}`)
}

/** Whether a credentials value carries something that looks like a secret in its arguments. */
export function hasSecretArgument(value: string): boolean {
  return maskCredentials(value) !== value
}

// `Name|argument|key=value`: what the classes that we know take may be seen; anything else may be a secret.
function maskCredentials(value: string): string {
  return value
    .split(',')
    .map((provider) => {
      const [name = '', ...rest] = provider.split('|')
      const known = knownName(name.trim()) !== undefined
      return [
        name,
        ...rest.map((argument) => (known && !isSecret(argument) ? argument : maskArgument(argument))),
      ].join('|')
    })
    .join(',')
}

function isSecret(argument: string): boolean {
  return /^externalId=/i.test(argument.trim()) || /^[A-Za-z0-9/+]{40}$/.test(argument.trim())
}

function maskArgument(argument: string): string {
  if (/^\s*(arn:|endpoint|$)/i.test(argument)) return argument
  const named = /^(\s*\w+=)/.exec(argument)
  return `${named?.[1] ?? ''}${MASK}`
}

const SECRET_KEY = /secret|password|token/i
// Nothing open-ended stands in front of these words: even a line of a megabyte is gone through once only.
const SECRET_NAME = '(?:secret|passwo?r?d|passphrase|token|externalId|api[-_]?key)[\\w.-]{0,40}'
// `name=value`, `name: value`, `"name": "value"`, and the last one once more as text inside of JSON.
const ASSIGNED = new RegExp(
  `(${SECRET_NAME}(?:\\\\?["'])?\\s*[=:]\\s*)(?:(\\\\?["'])(?!\\2)[^"'\\\\]*|[^\\s,|&"'<>\\\\]+)`,
  'gi',
)
const IN_JSON = new RegExp(`(${SECRET_NAME}"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*`, 'gi')
const XML = new RegExp(`(<[\\w.:-]{0,40}${SECRET_NAME}>)[^<]*(</)`, 'gi')
const OPTION = new RegExp(`(--?[\\w.-]{0,40}${SECRET_NAME}\\s+)[^\\s-]\\S*`, 'gi')
const PROVIDER = /(?<![\w.$])[\w.$]*(?:Provider\w*|\.\w+)\|[^\s,]+/g
