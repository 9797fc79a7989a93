// Partition keys that are hard to carry: quotes, line ends, other scripts, and text that looks like a message.

import { md5 } from '../stream/md5.ts'
import type { KeyOf } from '../stream/record-line.ts'

/** The same key rule, with something hard to carry at the end of each key; equal keys stay equal. */
export function oddKeys(keyOf: KeyOf): KeyOf {
  return {
    check(line, where) {
      const key = keyOf.check(line, where)
      return key === null ? null : odd(key)
    },
    of: (line) => odd(keyOf.of(line)),
  }
}

function odd(key: string): string {
  const choice = Number.parseInt(md5(key).slice(0, 2), 16)
  const longer = key + (ODD_ENDINGS[choice % ODD_ENDINGS.length] ?? '')
  return [...longer].length <= LONGEST_KEY ? longer : key
}

const LONGEST_KEY = 256
const ODD_ENDINGS = [
  ' ',
  '"',
  '\\',
  "'",
  '\n',
  '\r\n',
  '\t',
  '\0',
  '\u0085',
  '\u2028',
  '\u2029',
  '\ufeff',
  'ü',
  '漢',
  '😀',
  '{"action":"status"}',
  `|${'x'.repeat(200)}`,
]
