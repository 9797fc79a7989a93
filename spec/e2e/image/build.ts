// Does what a Dockerfile says, step by step, in a root for each stage.

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { BaseImages, copyRoot } from './base-images.ts'
import { type Config, runInBuild } from './container.ts'
import { type Instruction, readDockerfile, readDockerignore } from './dockerfile.ts'

const run = promisify(execFile)

/** What a build ends with. */
export interface Image {
  readonly root: string
  readonly config: Config
  readonly entrypoint: readonly string[]
}

/** Builds the Dockerfile of a context, in a folder for all the roots. */
export async function buildImage(t: TestContext, context: string, folder: string): Promise<Image> {
  const instructions = readDockerfile(await readFile(join(context, 'Dockerfile'), 'utf8'))
  const build = new Build(t, context, folder)
  for (const instruction of instructions) await build.perform(instruction)
  return build.image
}

class Build {
  image: Image = { root: '', config: { env: {}, user: '', workingDirectory: '' }, entrypoint: [] }
  readonly #t: TestContext
  readonly #context: string
  readonly #folder: string
  readonly #bases: BaseImages
  readonly #stages = new Map<string, string>()

  constructor(t: TestContext, context: string, folder: string) {
    this.#t = t
    this.#context = context
    this.#folder = folder
    this.#bases = new BaseImages(t, folder)
  }

  async perform(instruction: Instruction): Promise<void> {
    const { root, config } = this.image
    switch (instruction.name) {
      case 'FROM':
        return await this.#begin(instruction.image, instruction.as)
      case 'COPY':
        return await this.#copy(instruction)
      case 'RUN':
        return await runInBuild(this.#t, root, config, instruction.script)
      case 'WORKDIR': {
        const workingDirectory = resolve(config.workingDirectory, instruction.value)
        await mkdir(join(root, workingDirectory), { recursive: true })
        return this.#set({ workingDirectory })
      }
      case 'USER':
        return this.#set({ user: instruction.value })
      case 'ENV':
        return this.#set({ env: { ...config.env, [instruction.key]: instruction.value } })
      case 'ENTRYPOINT':
        this.image = { ...this.image, entrypoint: instruction.words }
    }
  }

  async #begin(image: string, as: string | undefined): Promise<void> {
    const root = join(this.#folder, `stage-${this.#stages.size}`)
    this.#stages.set(as ?? root, root)
    await copyRoot(await this.#bases.root(image), root)
    this.image = { root, config: this.#bases.config(image), entrypoint: [] }
  }

  #set(config: Partial<Config>): void {
    this.image = { ...this.image, config: { ...this.image.config, ...config } }
  }

  async #copy({ from, sources, to }: Extract<Instruction, { name: 'COPY' }>): Promise<void> {
    const { root, config } = this.image
    const target = join(root, resolve(config.workingDirectory, to))
    const into = sources.length > 1 || to.endsWith('/') || to === '.'
    const origin =
      from === undefined ? this.#context : (this.#stages.get(from) ?? (await this.#bases.root(from)))
    const left = from === undefined ? await ignored(this.#context) : []
    for (const source of sources) await copyPath(join(origin, source), target, into, left)
  }
}

// The content of a folder, but for some names in it, or a file: into a folder or under another name.
async function copyPath(
  source: string,
  target: string,
  into: boolean,
  left: readonly string[],
): Promise<void> {
  const isFolder = (await stat(source)).isDirectory()
  await mkdir(isFolder || into ? target : dirname(target), { recursive: true })
  const names = isFolder ? await readdir(source) : [basename(source)]
  const kept = names.filter((name) => !left.includes(name))
  if (kept.length === 0) throw new Error(`There is nothing to copy at ${source}.`)
  const from = isFolder ? source : dirname(source)
  const words = ['--recursive', '--no-dereference', '--preserve=mode,timestamps,links']
  const end = isFolder || into ? ['--target-directory', target] : ['--no-target-directory']
  const rest = isFolder || into ? [] : [target]
  await run('cp', [...words, ...end, ...kept.map((name) => join(from, name)), ...rest])
}

async function ignored(context: string): Promise<string[]> {
  return readDockerignore(await readFile(join(context, '.dockerignore'), 'utf8').catch(() => ''))
}
