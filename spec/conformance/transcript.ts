// Reads the recorded conversations with the real daemon: who said what, action by action. A file may hold several
// conversations, one for each process of a consumer.

import { readdirSync, readFileSync } from 'node:fs'

/** One conversation, from initialize to the end of the process or of the recording. */
export interface Transcript {
  readonly name: string
  readonly turns: Turn[]
}

/** An action of the daemon, and what was said until its status. */
export interface Turn {
  /** The daemon's line, as it came. */
  readonly line: string
  readonly action: string
  readonly said: Exchange[]
}

/** A line of the consumer that was recorded, and the daemon's answer to it where it was a checkpoint. */
export interface Exchange {
  readonly said: Said
  readonly answer: string | null
}

export type Said = {
  action: string
  sequenceNumber?: string | null
  subSequenceNumber?: number | null
} & Record<string, unknown>

const FOLDER = new URL('../../../spec/conformance/transcripts/', import.meta.url)

/** All recorded conversations. */
export function readTranscripts(): Transcript[] {
  return readFiles().flatMap(({ name, text }) => {
    const transcripts: Transcript[] = []
    // Only line feeds end a line here: partition keys hold other line ends.
    for (const line of text.split('\n')) add(transcripts, name, line)
    return transcripts
  })
}

/** The daemon's lines of each file, as bytes. */
export function readDaemonLines(): { name: string; lines: string[] }[] {
  return readFiles().map(({ name, text }) => {
    const lines = text.split('\n').filter((line) => line.startsWith('> '))
    return { name, lines: lines.map((line) => line.slice(2)) }
  })
}

function add(transcripts: Transcript[], file: string, line: string): void {
  const text = line.slice(2)
  const transcript = transcripts.at(-1)
  const turn = transcript?.turns.at(-1)
  if (line.startsWith('# ... further batches left out')) {
    // The action before the note has lost its end, and what follows has lost its action.
    transcript?.turns.pop()
    transcript?.turns.push({ line: '', action: LEFT_OUT, said: [] })
  } else if (line.startsWith('< ')) {
    turn?.said.push({ said: JSON.parse(text) as Said, answer: null })
  } else if (line.startsWith('> ')) {
    const { action } = JSON.parse(text) as Said
    const last = turn?.said.pop()
    if (action === 'checkpoint') {
      if (last !== undefined) turn?.said.push({ said: last.said, answer: text })
      return
    }
    if (last !== undefined) turn?.said.push(last)
    if (turn?.action === LEFT_OUT) transcript?.turns.pop()
    if (action === 'initialize') transcripts.push({ name: `${file}, ${transcripts.length + 1}`, turns: [] })
    transcripts.at(-1)?.turns.push({ line: text, action, said: [] })
  }
}

function readFiles(): { name: string; text: string }[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))
  return files.sort().map((file) => ({
    name: file.replace('.txt', ''),
    text: readFileSync(new URL(file, FOLDER), 'utf8'),
  }))
}

const LEFT_OUT = 'left out'
