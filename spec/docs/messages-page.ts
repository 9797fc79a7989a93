// The page of all messages, by who says them.

import { messagesOf } from './messages.ts'
import { code, table } from './pages.ts'

/** Every message, word for word, with what its kind means and what to do about it. */
export function messagesPage(root: string): string {
  const all = messagesOf(root)
  const sections = GROUPS.map(({ title, about, from }) => {
    const said = all.filter(({ file }) => groupOf(file)?.from === from)
    const rows = [...new Set(said.map(({ text, by }) => `${code(text)}\n${NAMES[by] ?? by}`))]
    return `## ${title}\n\n${about}\n\n${table(
      ['what is said', 'as'],
      rows.map((row) => row.split('\n')),
    )}`
  })
  return `${INTRODUCTION}\n\n${sections.join('\n\n')}`
}

/** Who says what a file of lib says. */
export function groupOf(file: string): { readonly title: string; readonly from: RegExp } | undefined {
  return GROUPS.find(({ from }) => from.test(file))
}

const INTRODUCTION = `Word for word, as the code has them; a \`…\` stands for what differs. Each says what is wrong and, where something can be done, what. What needs
more words is told in [troubleshooting](../samples/troubleshooting/README.md).`
const NAMES: Readonly<Record<string, string>> = { check: '`check` and `run`', run: '`run`' }
const GROUPS = [
  {
    title: 'Of a session, in your program',
    about:
      'A `UsageError` is a mistake in the program: the text names the call and what it takes. The other classes are told apart by what is to be done: nothing after `LeaseLostError` and `ChannelClosedError`, for what was not acknowledged comes again; `DaemonProtocolError` means a daemon that this version does not know.',
    from: /^(session|checkpoint|io|protocol|report|host)\/|^[\w-]+\.ts$/,
  },
  {
    title: 'Of the test kit',
    about: 'The test asks for what the real daemon never does. Deliver something else, or in another order.',
    from: /^testing\//,
  },
  {
    title: 'Of the configuration',
    about:
      'Findings of `check`; errors also stop `run`. They begin with the name of the property and the place where it was set. `check --explain PROPERTY` tells all about one.',
    from: /^launcher\/configuration\//,
  },
  {
    title: 'Of the machine: Java, Maven and jars',
    about: '`run` cannot start. `kcl-session doctor` tells what the machine lacks.',
    from: /^launcher\/machine\//,
  },
  {
    title: 'Of AWS, before the start and while the daemon is at work',
    about:
      'The daemon by itself tries again for ever, or ends without a word; this is why. `check --online` asks the same without a start.',
    from: /^launcher\/|^aws\//,
  },
  {
    title: 'Of dev, replay and put: options and records',
    about:
      'Exit code 2: an option does not fit, or the input is not what it was taken for. The text names the line of the input, and what is taken.',
    from: /^(daemon|cli|children|http)\//,
  },
  {
    title: 'Of local, status and reset',
    about: 'Nothing was changed where the text does not say so.',
    from: /^(local|leases)\//,
  },
] as const
