// Transcripts of conversations: `> ` a line of the daemon, `< ` a line of the consumer, `# ` a note.
// Rule: a conversation begins with `initialize`; notes before it and in it belong to it.

import { UsageError } from '../../errors.ts'

/** One line of a transcript; `number` is where it stands in the file, from 1. */
export interface TranscriptEntry {
  readonly from: 'daemon' | 'consumer' | 'note'
  readonly text: string
  readonly number: number
}

/** One process's conversation. */
export interface TranscriptConversation {
  readonly entries: readonly TranscriptEntry[]
}

/** What stands for data that were left out. */
export const ELIDED = '<base64 elided>'

/** Reads a transcript. Throws `UsageError` naming the line that is none of the three kinds. */
export function parseTranscript(text: string, name: string): TranscriptConversation[] {
  const conversations: { entries: TranscriptEntry[] }[] = []
  let notes: TranscriptEntry[] = []
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const entry = parseEntry(line, at + 1, name)
    if (entry.from === 'daemon' && isInitialize(entry.text)) {
      conversations.push({ entries: [...notes, entry] })
      notes = []
    } else if (entry.from === 'note') notes.push(entry)
    else {
      const current = conversations.at(-1)
      if (current === undefined) {
        throw new UsageError(`${name}, line ${at + 1}: a conversation begins with initialize.`)
      }
      current.entries.push(...notes, entry)
      notes = []
    }
  }
  conversations.at(-1)?.entries.push(...notes)
  return conversations
}

function parseEntry(line: string, number: number, name: string): TranscriptEntry {
  if (line.startsWith('> ')) return { from: 'daemon', text: line.slice(2), number }
  if (line.startsWith('< ')) return { from: 'consumer', text: line.slice(2), number }
  if (line.startsWith('#')) return { from: 'note', text: line.slice(1).trim(), number }
  throw new UsageError(`${name}, line ${number}: a line of a transcript begins with "> ", "< " or "# ".`)
}

function isInitialize(text: string): boolean {
  return text.startsWith('{"action":"initialize"')
}
