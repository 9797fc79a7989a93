// Runs the compiled specs whose path contains one of the arguments, or all of them; `--except=TEXT` leaves
// some out. File names are given to the test runner one by one, because what a folder or a pattern means to
// it differs between versions of Node, down to a green run of nothing.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

// Milliseconds that a file of specs may take: one that hangs must not hang them all.
const LONGEST = 480_000

const root = import.meta.dirname
const except = process.argv.slice(2).flatMap((word) => (word.startsWith('--except=') ? [word.slice(9)] : []))
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const flags = process.argv.slice(2).filter((word) => word.startsWith('--') && !word.startsWith('--except='))

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.spec.js'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .filter((file) => !except.some((word) => file.includes(word)))
  .sort()
  .map((file) => relative(process.cwd(), join(root, file)))

if (files.length === 0) {
  console.error(`No spec file matches: ${process.argv.slice(2).join(' ')}`)
  process.exit(1)
}

const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', ...flags, '--test', `--test-timeout=${LONGEST}`, '--test-reporter=spec', ...files],
  { stdio: 'inherit' },
)
process.exit(status ?? 1)
