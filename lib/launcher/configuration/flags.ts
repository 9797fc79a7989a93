// Flags that are properties of the daemon: `--stream-name=words`, `--streamName=words`, `--set streamName=words`.
// A value always follows an equals sign: in `--stream-name words` nobody could tell a value from a stray word.

import { UsageError } from '../../errors.ts'
import { nearestName, relaxedName } from './catalogue/catalogue.ts'
import type { Written } from './setting.ts'
import { kebab } from './settings.ts'

/** Words that the command line's parser did not know, as settings; throws UsageError for anything but `--key=value`. */
export function settingFlags(
  words: readonly string[],
  sets: readonly string[],
  own: readonly string[],
): Written[] {
  return [...words.map((word) => settingFlag(word, own)), ...sets.map(settingOfSet)]
}

function settingFlag(word: string, own: readonly string[]): Written {
  if (!word.startsWith('--')) {
    throw new UsageError(
      `"${word}" is not understood here. The consumer's command goes after --, as in: -- node consumer.js`,
    )
  }
  const [name = '', value] = splitOnce(word.slice(2))
  const near = own.find((option) => option.replaceAll('-', '') === name.replaceAll('-', '').toLowerCase())
  if (near !== undefined) throw new UsageError(`--${name} is spelled --${near}.`)
  if (value !== undefined) return { key: name, value, source: 'flag', place: `--${name}` }
  const key = relaxedName(name) ?? nearestName(name)
  throw new UsageError(
    key === undefined
      ? `--${name} is neither an option nor a property of the daemon.`
      : `--${name} has no value. Write it with an equals sign: --${kebab(key)}=VALUE`,
  )
}

function settingOfSet(word: string): Written {
  const [key = '', value] = splitOnce(word)
  if (value !== undefined && key !== '') return { key, value, source: 'flag', place: `--set ${key}` }
  throw new UsageError(`--set ${word}: write it as --set KEY=VALUE.`)
}

function splitOnce(text: string): [string, string?] {
  const at = text.indexOf('=')
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
