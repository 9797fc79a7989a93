// The package as it would be published, in a project of its own, and programs that npm fetches once.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A folder with the packed package in its node_modules, beside what else is asked for, which comes from ours. */
export async function packedProject(type: 'module' | 'commonjs', others: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kcl-session-packed-'))
  const modules = join(folder, 'node_modules')
  const home = join(modules, 'kcl-session')
  await mkdir(home, { recursive: true })
  const { filename, version } = await pack(folder)
  await run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', home])
  await rm(join(folder, filename))
  for (const name of others) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }
  const manifest = { type, private: true, dependencies: { 'kcl-session': version } }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  return folder
}

/** Packs the package into a folder, as it would be published. */
export async function pack(folder: string): Promise<{ filename: string; version: string }> {
  // Without its script: a build would take dist away under the specs that run beside this one.
  const words = ['pack', '--ignore-scripts', '--pack-destination', folder, '--json']
  const { stdout } = await run('npm', words, { cwd: ROOT })
  const [packed] = JSON.parse(stdout) as [{ filename: string; version: string }]
  return packed
}

/** The path of a program that a package brings; npm fetches the package once, and keeps it. */
export async function fetchedProgram(name: string, spec: string): Promise<string> {
  const find = ['exec', '--yes', '--prefer-offline', `--package=${spec}`, '-c', `command -v ${name}`]
  const { stdout } = await run('npm', find, { cwd: ROOT })
  return stdout.trim()
}
