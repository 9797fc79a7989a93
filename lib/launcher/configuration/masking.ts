// Keeps secrets off the screen and out of logs: credential arguments, access keys, passwords in addresses.

import { entryOf } from './catalogue/catalogue.ts'

const MASK = '***'

/** The value of a property as it may be shown. */
export function maskValue(key: string, value: string): string {
  return maskText(entryOf(key)?.secret ? maskCredentials(value) : SECRET_KEY.test(key) ? MASK : value)
}

/** Any text with access keys and passwords in addresses taken out. */
export function maskText(text: string): string {
  return text
    .replace(/\b((?:AKIA|ASIA)[A-Z0-9]{4})[A-Z0-9]{8,}\b/g, `$1${MASK}`)
    .replace(/(\w+:\/\/[^\s/:@]*):[^\s/@]+@/g, `$1:${MASK}@`)
    .replace(/((?:secret|password|token|externalId)[A-Za-z]*\s*[=:]\s*)[^\s,|]+/gi, `$1${MASK}`)
}

/** Whether a credentials value carries something that looks like a secret in its arguments. */
export function hasSecretArgument(value: string): boolean {
  return maskCredentials(value) !== value
}

// `Name|argument|key=value`: role ARNs, endpoints and regions may be seen, anything else may be a secret.
function maskCredentials(value: string): string {
  return value
    .split(',')
    .map((provider) => {
      const [name = '', ...rest] = provider.split('|')
      const harmless = HARMLESS_ARGUMENTS.test(name)
      return [
        name,
        ...rest.map((argument) => (harmless && !isSecret(argument) ? argument : maskArgument(argument))),
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

const HARMLESS_ARGUMENTS = /(AssumeRole|Profile|WebIdentity|InstanceProfile|Container)\w*$/
const SECRET_KEY = /secret|password|token/i
