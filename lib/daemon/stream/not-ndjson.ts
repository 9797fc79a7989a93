// What an input is that is not NDJSON, told from its beginning, and the command that makes NDJSON of it.
// Rule: asked only where a line was no record; null where nothing better is known than that.

import { shellQuote } from '../../children/command.ts'

/** One sentence on what it is and one on what to do, or null. `head`: from the first line that holds something on. */
export function notNdjson(head: Buffer, name: string): string | null {
  const kind = KINDS.find(({ is }) => is(head))
  return kind === undefined ? null : `${name} ${kind.what}. ${advice(kind.command, name)}`
}

/** The same for an input of which all is known: one array, a record, but hardly the one that was meant. */
export function oneArray(name: string): string {
  return `${name} ${ONE_ARRAY}. ${advice(EACH, name)}`
}

function advice(command: string, name: string): string {
  if (name === STDIN) return `Make one record a line of it, with ${command} in the pipe in front.`
  return `Make one record a line of it: ${command} ${shellQuote(name)} > records.ndjson`
}

interface Kind {
  readonly what: string
  readonly command: string
  is(head: Buffer): boolean
}

const STDIN = 'standard input'
const EACH = "jq -c '.[]'"
const ONE_ARRAY = 'is one JSON array on one line, which would be one record'

// The most certain first.
const KINDS: readonly Kind[] = [
  { what: 'is compressed with bzip2', command: 'bzip2 -dc', is: begins(Buffer.from('BZh')) },
  {
    what: 'is compressed with xz',
    command: 'xz -dc',
    is: begins(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a])),
  },
  { what: 'is a zip archive', command: 'unzip -p', is: begins(Buffer.from('PK\x03\x04')) },
  { what: 'is a Parquet file', command: 'parquet-tools cat --json', is: begins(Buffer.from('PAR1')) },
  { what: 'is an Avro file', command: 'avro-tools tojson', is: begins(Buffer.from('Obj\x01')) },
  { what: 'is UTF-16, not UTF-8', command: 'iconv -f UTF-16 -t UTF-8', is: isUtf16 },
  { what: ONE_ARRAY, command: EACH, is: (head) => /^\s*\[.*\]\s*$/.test(head.toString('utf8')) },
  { what: 'is one JSON array over many lines', command: EACH, is: (head) => isLaidOut(head, '[') },
  { what: 'is JSON laid out over many lines', command: 'jq -c .', is: (head) => isLaidOut(head, '{') },
  { what: 'looks like CSV, not JSON', command: 'mlr --icsv --ojsonl cat', is: (head) => isTable(head, ',') },
  {
    what: 'looks like CSV with semicolons, not JSON',
    command: "mlr --icsv --ifs ';' --ojsonl cat",
    is: (head) => isTable(head, ';'),
  },
  {
    what: 'looks like a table with tabs, not JSON',
    command: 'mlr --itsv --ojsonl cat',
    is: (head) => isTable(head, '\t'),
  },
]

function begins(magic: Buffer): (head: Buffer) => boolean {
  return (head) => head.subarray(0, magic.length).equals(magic)
}

// With its mark, or, for text that is mostly ASCII, by every other byte being zero.
function isUtf16(head: Buffer): boolean {
  if (head[0] === 0xff && head[1] === 0xfe) return true
  if (head[0] === 0xfe && head[1] === 0xff) return true
  const zeros = [0, 0]
  for (const [at, byte] of head.subarray(0, 64).entries()) if (byte === 0) zeros[at % 2] = 1
  return zeros[0] !== zeros[1]
}

// The first line opens more than it closes, and is not the last.
function isLaidOut(head: Buffer, opening: '[' | '{'): boolean {
  const line = firstLines(head)[0]?.trim() ?? ''
  if (!line.startsWith(opening) || !head.includes(0x0a)) return false
  const outside = line.replace(/"(?:[^"\\]|\\.)*"/g, '')
  return (outside.match(/[[{]/g)?.length ?? 0) > (outside.match(/[\]}]/g)?.length ?? 0)
}

// The first line has two fields or more, and the second, where there is one, as many.
function isTable(head: Buffer, separator: string): boolean {
  const lines = firstLines(head).filter((line) => line !== '')
  if (/^\s*[[{"]/.test(lines[0] ?? '')) return false
  const [first = 1, second = first] = lines.map(
    (line) => line.replace(/"(?:[^"]|"")*"/g, '').split(separator).length,
  )
  return first > 1 && second === first
}

function firstLines(head: Buffer): string[] {
  return head.subarray(0, HEAD).toString('utf8').split(/\r?\n/, 2)
}

const HEAD = 64 * 1024
