// The page of messages is made from the sources: here it is counted that it misses none, by means of its own, and that each has
// a kind whose meaning and remedy are written down.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { KIND_NAMES, kindOf } from './kinds.ts'
import { logEventsOf, messagesOf } from './messages.ts'
import { kindsExplained, messagesPage, quotesExplained } from './messages-page.ts'

const ROOT = new URL('../../../', import.meta.url)
const root = fileURLToPath(ROOT)
const sources = readdirSync(new URL('lib', ROOT), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(new URL(`lib/${file}`, ROOT), 'utf8'))
const page = messagesPage(root)

test('every error that is thrown with a text stands on the page', () => {
  const texts = sources.flatMap((source) =>
    [...source.matchAll(/new \w*(?:Usage|Protocol|Checkpoint|Closed)Error\(\s*(['`])(.*?)\1[,)\n]/gs)].map(
      ([, , text = '']) => text,
    ),
  )
  assert.ok(texts.length > 100, `${texts.length} texts`)
  isOnThePage(texts)
})

test('and every sentence that a constant or the narration has', () => {
  const texts = sources.flatMap((source) =>
    [...source.matchAll(/(?:^|\n)(?:export )?const [A-Z_]+(?:: string)? =\s*'([^#][^'\n]*[.?])'\n/g)].map(
      ([, text = '']) => text,
    ),
  )
  assert.ok(texts.length > 10, `${texts.length} texts`)
  isOnThePage(texts)
  for (const words of ['was split, and has been read to its end', 'The daemon ended by itself'])
    assert.ok(page.includes(words), words)
})

test('every message is of a kind, and the guide says of every kind what it means and what to do', () => {
  const messages = messagesOf(root)
  assert.ok(messages.length > 450, `${messages.length} messages`)
  const homeless = messages.filter((one) => kindOf(one) === undefined)
  assert.deepEqual(homeless, [], 'give it a kind in kinds.ts, or a new one that the guide explains')
  const explained = kindsExplained(root)
  assert.deepEqual([...explained.keys()].sort(), [...KIND_NAMES].sort())
  for (const [name, { means, todo }] of explained) {
    assert.ok(means.length > 20 && todo.length > 5, name)
    assert.ok(
      messages.some((one) => kindOf(one) === name),
      `no message is of the kind "${name}"`,
    )
  }
})

test('a message that has no kind is found out', () => {
  assert.equal(kindOf({ file: 'elsewhere/new.ts', text: 'Something new is wrong here.', by: '' }), undefined)
  assert.equal(
    kindOf({ file: 'launcher/supervision/causes.ts', text: 'A service does not answer in time.', by: 'run' }),
    'the network',
  )
})

test('what the guide explains by itself is explained on the page, too', () => {
  const quotes = [...quotesExplained(root).keys()]
  assert.ok(quotes.length > 35, `${quotes.length} quotes`)
  for (const quote of quotes)
    assert.ok(
      sources.some((source) => source.replaceAll("\\'", "'").includes(quote)),
      quote,
    )
  assert.match(page, /There are no AWS credentials.*the SDK for Java found none/)
})

test('every event that the session logs is in the table', () => {
  const calls = sources.flatMap((source) => [...source.matchAll(/\blog\.(debug|info|warn|error)\(/gi)])
  const events = logEventsOf(root)
  assert.ok(
    calls.length > 15 && events.length >= calls.length,
    `${events.length} events of ${calls.length} calls`,
  )
  for (const { message, level } of events) assert.notEqual(message.replaceAll('…', ''), '', level)
})

// Up to the first thing that differs, which may stand in it.
function isOnThePage(texts: readonly string[]): void {
  const beginnings = texts
    .map((text) => /^[^$\\]*/.exec(text)?.[0] ?? '')
    .filter((text) => /\w+ \w+/.test(text))
  for (const text of beginnings) assert.ok(page.includes(text.replaceAll('|', '\\|')), text)
}
