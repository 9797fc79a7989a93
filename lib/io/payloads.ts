// A line of bytes as text, its large payloads taken out. A quote that is not escaped begins or ends a string, so that
// in a line without a backslash a payload ends at the next quote. The bytes of a quote and of a backslash are part of
// no other character. Each payload becomes a string of its own: a slice would keep the whole line alive.

import { isAscii } from 'node:buffer'
import { type CutLine, TAB_IN_JSON } from '../protocol/line.ts'

/** The text of the line from `from` to before `to`: whole, or without its payloads where that saves work. */
export function readLine(bytes: Buffer, from: number, to: number): string | CutLine {
  if (to - from < LONG) return bytes.toString('utf8', from, to)
  const line = bytes.subarray(from, to)
  const encoding = isAscii(line) ? 'latin1' : 'utf8'
  const large = lengthOfFirst(line) >= LARGE && !line.includes(BACKSLASH)
  return large ? cut(line, encoding) : line.toString(encoding)
}

function lengthOfFirst(line: Buffer): number {
  const at = line.indexOf(DATA)
  return at < 0 ? 0 : line.indexOf(QUOTE, at + DATA.length) - at - DATA.length
}

// `encoding` is latin1 where the line is ASCII: that is decoded faster.
function cut(line: Buffer, encoding: 'latin1' | 'utf8'): CutLine {
  const payloads: string[] = []
  let text = ''
  let from = 0
  for (let at = line.indexOf(DATA); at >= 0; at = line.indexOf(DATA, from)) {
    const start = at + DATA.length
    const end = line.indexOf(QUOTE, start)
    if (end < 0) break
    text += line.toString(encoding, from, start) + TAB_IN_JSON
    payloads.push(line.toString(encoding, start, end))
    from = end
  }
  text += line.toString(encoding, from)
  return { text, payloads, whole: () => line.toString(encoding) }
}

const DATA = Buffer.from('"data":"')
const QUOTE = 0x22
const BACKSLASH = 0x5c
// Bytes of a line and of its first payload from which on cutting is faster: found by measuring.
const LONG = 4096
const LARGE = 1024
