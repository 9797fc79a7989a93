// `kcl-session replay`: a transcript's daemon against a consumer, up to the first difference.

import { readFileSync } from 'node:fs'
import { Option } from 'commander'
import { type ConsumerProtocol, checkCommand, protocolFor } from '../children/command.ts'
import { parseTranscript } from '../daemon/conversation/transcript.ts'
import { replay as replayConversation } from '../daemon/lease/replay.ts'
import { plural } from '../daemon/watch/report.ts'
import { UsageError } from '../errors.ts'
import { newCommand, parseOptions, protocolName, seconds, splitArguments } from './arguments.ts'

interface ReplayOptions {
  readonly protocol?: ConsumerProtocol
  readonly timeout: number | null
}

/** Runs the command. Resolves to the exit code: 0 only when the consumer said what was recorded. */
export async function replay(args: readonly string[]): Promise<number> {
  const { options, words } = splitArguments(args)
  const command = replayCommand()
  if (!parseOptions(command, options)) return 0
  const [file, stray] = command.args
  if (file === undefined || stray !== undefined) {
    throw new UsageError('Give one transcript: kcl-session replay FILE -- node consumer.js')
  }
  if (words === null || words.length === 0) {
    throw new UsageError(
      'The consumer is missing: end the line with its command, for instance -- node consumer.js',
    )
  }
  const { protocol: asked, timeout } = command.opts<ReplayOptions>()
  const protocol = protocolFor(words, asked)
  checkCommand(words)
  const conversations = parseTranscript(readTranscript(file), file)
  if (conversations.length === 0)
    throw new UsageError(`${file} holds no conversation: none begins with initialize.`)
  const print = (...lines: string[]): void => void process.stderr.write(`${lines.join('\n')}\n`)
  let compared = 0
  for (const [at, conversation] of conversations.entries()) {
    const result = await replayConversation(conversation, {
      words,
      protocol,
      timeout: timeout ?? Number.POSITIVE_INFINITY,
      onLog: (line) => print(line),
    })
    compared += result.compared
    if (result.difference === null) continue
    const { line, expected, came } = result.difference
    print('', `${file}, line ${line}, conversation ${at + 1} of ${conversations.length}:`)
    print(`  expected  ${expected}`, `  came      ${came}`)
    if (result.lastWords.length > 0)
      print('  standard error, the last lines:', ...result.lastWords.map((one) => `    ${one}`))
    return 1
  }
  print(
    `${plural(conversations.length, 'conversation')}, ${plural(compared, 'line')} of the consumer: all as recorded`,
  )
  return 0
}

function replayCommand(): ReturnType<typeof newCommand> {
  return newCommand(
    'replay',
    "Plays a transcript's daemon against a consumer, and shows the first difference.",
  )
    .usage('FILE [options] -- COMMAND…')
    .argument('[file]', 'a transcript, as dev --record writes it')
    .option('--protocol <name>', 'fds (descriptors 3 and 4) or stdio (default: fds for node)', protocolName)
    .addOption(
      new Option(
        '--timeout <time>',
        'how long to wait for a line of the consumer: 30, 500ms, 5m; 0: for ever',
      )
        .argParser(seconds)
        .default(10_000, '10s'),
    )
    .allowExcessArguments(true)
}

function readTranscript(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`Cannot read ${file}: ${(error as Error).message}.`, { cause: error })
  }
}
