// The recorded conversations of the real daemon, spoken again by ours: every line it sends must be the same.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DaemonConversation } from '../../../lib/daemon/conversation/conversation.ts'
import { parseTranscript, type TranscriptConversation } from '../../../lib/daemon/conversation/transcript.ts'

const FOLDER = 'spec/conformance/transcripts'
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.txt') && file !== 'README.md')

test('has transcripts to speak', () => {
  assert.ok(files.length >= 12)
})

for (const file of files) {
  test(`says what the real daemon said: ${file}`, () => {
    const conversations = parseTranscript(readFileSync(`${FOLDER}/${file}`, 'utf8'), file)
    assert.ok(conversations.length > 0)
    for (const conversation of conversations) speak(conversation)
  })
}

function speak({ entries }: TranscriptConversation): void {
  const first = JSON.parse(entries.find((entry) => entry.from === 'daemon')?.text ?? '')
  const daemon = new DaemonConversation({ shardId: first.shardId, checkpoint: first })
  const expected: string[] = []
  let leftOut = false
  for (const { from, text, number } of entries) {
    if (from === 'note') leftOut ||= text.includes('left out')
    else if (from === 'daemon') {
      const message = JSON.parse(text)
      // After a gap the conversation goes on with the next batch.
      if (leftOut && message.action !== 'processRecords') continue
      if (leftOut && daemon.action !== null) {
        daemon.receive(JSON.stringify({ action: 'status', responseFor: daemon.action }))
      }
      leftOut = false
      assert.equal(
        message.action === 'checkpoint' ? expected.shift() : begin(daemon, message),
        text,
        `line ${number}`,
      )
    } else if (!leftOut) {
      for (const event of daemon.receive(text)) if (event.type === 'send') expected.push(event.line)
    }
  }
  assert.deepEqual(expected, [])
}

// biome-ignore lint/suspicious/noExplicitAny: a message of the transcript, whatever it is
function begin(daemon: DaemonConversation, message: any): string {
  switch (message.action) {
    case 'processRecords':
      return daemon.processRecords(message.records, message.millisBehindLatest)
    case 'initialize':
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return daemon[message.action as 'initialize']()
    default:
      throw new Error(`unexpected action ${message.action}`)
  }
}
