// The clients for Python, as their own users have them.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * The folder with the sources of a package, for PYTHONPATH, or why they cannot be had. They are fetched once and only
 * unpacked: both clients are pure Python, and to install the official one would fetch the daemon's jars.
 */
export function pythonSources(name: string, version: string): { folder: string } | { missing: string } {
  const cache = resolve('node_modules/.cache/kcl-session-spec')
  const folder = `${cache}/${name}-${version}`
  if (spawnSync('python3', ['--version']).status !== 0) return { missing: 'there is no python3' }
  if (existsSync(folder)) return { folder }
  const fetched = `${cache}/fetch-${name}-${process.pid}`
  mkdirSync(fetched, { recursive: true })
  const options = ['-q', '--no-deps', '--no-binary', ':all:', '-d', fetched]
  const pip = spawnSync('python3', ['-m', 'pip', 'download', ...options, `${name}==${version}`], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  const archive = readdirSync(fetched).find((file) => file.endsWith('.tar.gz'))
  if (archive === undefined) {
    rmSync(fetched, { recursive: true })
    const why = pip.stderr.trim().split('\n').at(-1) ?? ''
    return { missing: `pip could not fetch ${name} ${version}: ${why}` }
  }
  spawnSync('tar', ['xzf', archive], { cwd: fetched })
  // Another file of specs may have been quicker.
  if (!existsSync(folder)) renameSync(`${fetched}/${name}-${version}`, folder)
  rmSync(fetched, { recursive: true })
  return { folder }
}
