// The page of messages is made from the sources: here it is counted that it misses none, by means of its own.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { logEventsOf, messagesOf } from './messages.ts'
import { groupOf, messagesPage } from './messages-page.ts'

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
  // Up to the first thing that differs, which may stand in it.
  const beginnings = texts
    .map((text) => /^[^$\\]*/.exec(text)?.[0] ?? '')
    .filter((text) => /\w+ \w+/.test(text))
  assert.ok(beginnings.length > 80, `${beginnings.length} texts`)
  for (const text of beginnings) assert.ok(page.includes(text.replaceAll('|', '\\|')), text)
})

test('every message belongs to somebody who says it', () => {
  const homeless = messagesOf(root).filter(({ file }) => groupOf(file) === undefined)
  assert.deepEqual(homeless, [])
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
