// Partition keys that are hard to carry: quotes, line ends, other scripts, and text that looks like a message.

import { createHash } from 'node:crypto'
import type { KeyOf } from '../stream/record-line.ts'

/** The same key rule, with something hard to carry at the end of each key; equal keys stay equal. */
export function oddKeys(keyOf: KeyOf): KeyOf {
  return (line, where) => {
    const key = keyOf(line, where)
    const choice = createHash('md5').update(key).digest()[0] ?? 0
    const odd = key + (ODD_ENDINGS[choice % ODD_ENDINGS.length] ?? '')
    return [...odd].length <= LONGEST_KEY ? odd : key
  }
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
