// `kcl-session init [FOLDER]`: a consumer to begin with, its test, a few records, and what starts them.
// Rule: what is there already stays as it is; a package.json only gains what it lacks.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shellQuote } from '../children/command.ts'
import { UsageError } from '../errors.ts'
import { makeFolder } from '../io/folder.ts'
import { newCommand, parseOptions } from './arguments.ts'

/** Runs the command: writes the files, and tells what to run next. Resolves to the exit code. */
export async function init(args: readonly string[]): Promise<number> {
  const command = newCommand(
    'init',
    'Writes a consumer to begin with, its test, and a few records to try it on.',
  )
    .argument('[folder]', 'where to write; by default here')
    .option('--js', 'JavaScript instead of TypeScript')
    .allowExcessArguments(false)
  if (!parseOptions(command, args)) return 0
  const folder = resolve(command.args[0] ?? '.')
  const { js } = command.opts<{ readonly js?: boolean }>()
  const manifest = readManifest(folder)
  const files = filesFor(folder, js === true, manifest)
  refuseToOverwrite(folder, Object.keys(files))
  makeFolder(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const kept = complete(folder, js === true, manifest)
  process.stdout.write(whatNext(folder, Object.keys(files), kept))
  return 0
}

interface Manifest {
  readonly type?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function readManifest(folder: string): Manifest | null {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return null
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof manifest === 'object' && manifest !== null && !Array.isArray(manifest)) return manifest
  } catch (error) {
    throw new UsageError(`${file} is not JSON. Correct it, or name another folder.`, { cause: error })
  }
  throw new UsageError(`${file} is not an object of JSON. Correct it, or name another folder.`)
}

function filesFor(folder: string, js: boolean, manifest: Manifest | null): Record<string, string> {
  const ending = endingFor(js, manifest)
  const code = (name: string): string =>
    template(`${js ? 'js' : 'ts'}/${name}`).replaceAll(/'\.\/consume\.\w+'/g, `'./consume.${ending}'`)
  return {
    [`consumer.${ending}`]: code('consumer'),
    [`consume.${ending}`]: code('consume'),
    [`consumer.test.${ending}`]: code('test'),
    ...(js ? {} : { 'tsconfig.json': template('tsconfig') }),
    'orders.ndjson': template('orders'),
    'app.properties': properties(nameOf(folder)),
    ...(existsSync(join(folder, '.gitignore')) ? {} : { '.gitignore': 'node_modules/\ndist/\n' }),
  }
}

// In a project of CommonJS, which "npm init" makes, the file's name says that it is an ES module.
function endingFor(js: boolean, manifest: Manifest | null): string {
  const isModule = manifest === null || manifest.type === 'module'
  return `${isModule ? '' : 'm'}${js ? 'js' : 'ts'}`
}

function refuseToOverwrite(folder: string, names: readonly string[]): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new UsageError(`${folder} is a file. Name a folder, as in: kcl-session init my-consumer`)
  }
  const there = names.filter((name) => existsSync(join(folder, name)))
  if (there.length === 0) return
  throw new UsageError(
    `${folder} has ${there.join(', ')} already, and nothing is overwritten. Name another folder, as in: kcl-session init my-consumer`,
  )
}

/** Writes package.json, or what it lacks. Returns the scripts of the user's that stay. */
function complete(folder: string, js: boolean, manifest: Manifest | null): readonly string[] {
  const wanted = manifestFor(folder, js, endingFor(js, manifest))
  const file = join(folder, 'package.json')
  if (manifest === null) {
    writeFileSync(
      file,
      `${JSON.stringify({ name: nameOf(folder), private: true, type: 'module', ...wanted }, null, 2)}\n`,
    )
    return []
  }
  // What "npm init" writes there only says that there is no test yet.
  const own = Object.entries(manifest.scripts ?? {}).filter(([, script]) => !/no test specified/.test(script))
  const scripts = { ...wanted.scripts, ...Object.fromEntries(own) }
  const dependencies = { ...wanted.dependencies, ...manifest.dependencies }
  const devDependencies = { ...wanted.devDependencies, ...manifest.devDependencies }
  const more = Object.keys(devDependencies).length === 0 ? {} : { devDependencies }
  writeFileSync(file, `${JSON.stringify({ ...manifest, scripts, dependencies, ...more }, null, 2)}\n`)
  return own.map(([name]) => name).filter((name) => Object.hasOwn(wanted.scripts, name))
}

function manifestFor(
  folder: string,
  js: boolean,
  ending: string,
): Required<Pick<Manifest, 'scripts' | 'dependencies'>> & Manifest {
  const compiled = ending.replace('ts', 'js')
  const [build, place] = js ? ['', ''] : ['npm run -s build && ', 'dist/']
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Required<Manifest> & {
    version: string
  }
  const versions = (name: string): Record<string, string> => ({ [name]: own.devDependencies[name] ?? '*' })
  return {
    scripts: {
      ...(js ? {} : { build: 'tsc' }),
      start: `${build}kcl-session dev --input orders.ndjson --key customer --shards 2 -- node ${place}consumer.${compiled}`,
      test: `${build}node --test ${place}consumer.test.${compiled}`,
    },
    dependencies: { 'kcl-session': ownSource(folder) ?? `^${own.version}` },
    ...(js ? {} : { devDependencies: { ...versions('@types/node'), ...versions('typescript') } }),
  }
}

// Whoever runs this from a tarball, or from a clone, has the project use the same one; undefined: it came from a registry.
function ownSource(folder: string): string | undefined {
  const modules = dirname(ROOT)
  if (basename(modules) !== 'node_modules') return `file:${relative(folder, ROOT)}`
  const host = dirname(modules)
  if (!existsSync(join(host, 'package.json'))) return undefined
  const { dependencies } = JSON.parse(readFileSync(join(host, 'package.json'), 'utf8')) as Manifest
  const [, path] = /^file:(.*)/.exec(dependencies?.['kcl-session'] ?? '') ?? []
  return path === undefined ? undefined : `file:${relative(folder, resolve(host, path))}`
}

function whatNext(folder: string, names: readonly string[], kept: readonly string[]): string {
  const here = relative(process.cwd(), folder)
  const consumer = names.find((name) => name.startsWith('consumer.')) ?? ''
  const program = consumer.endsWith('ts') ? `dist/${consumer.replace(/ts$/, 'js')}` : consumer
  return [
    `Wrote ${names.join(', ')} and package.json in ${here === '' ? 'this folder' : here}.`,
    ...kept.map((name) => `The script "${name}" of package.json stays as it was.`),
    '',
    'Next:',
    ...(here === '' ? [] : [`  cd ${shellQuote(here)}`]),
    '  npm install',
    '  npm start          the consumer on orders.ndjson, without AWS and Java',
    '  npm test           its test',
    '',
    'On the real KCL, with Java, once app.properties names your stream:',
    `  npx kcl-session run --config=app.properties -- node ${program}`,
    '',
  ].join('\n')
}

function properties(application: string): string {
  return `# The application's name is that of its lease table in DynamoDB. "kcl-session check" tells all about these.
applicationName = ${application}
streamName = orders
regionName = us-east-1
`
}

function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '')
  return name === '' || name === 'kcl-session' ? 'consumer' : name
}

function template(name: string): string {
  return readFileSync(join(ROOT, 'lib/cli/template', `${name}.txt`), 'utf8')
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
