// Processes in a root of their own, as a container engine starts them: with mounts and processes of their own, which
// are gone when the first of them is, and those of a pod with one loopback and no other network.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type Ended, type Running, startProgram } from '../../helpers/command.ts'

/** How an image is run. */
export interface Config {
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly workingDirectory: string
}

/** A network with a loopback, and nothing else. */
export class Pod {
  readonly #t: TestContext
  readonly #network: string

  private constructor(t: TestContext, network: string) {
    this.#t = t
    this.#network = network
  }

  static async start(t: TestContext): Promise<Pod> {
    // It lasts until the end of its standard input, which is ours.
    const script = 'ip link set lo up && echo up && read -r _'
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => holder.kill('SIGKILL'))
    await once(holder.stdout, 'data')
    return new Pod(t, `/proc/${holder.pid}/ns/net`)
  }

  /** Starts a program of this machine in the pod. */
  start(words: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
    return startProgram(this.#t, [...TIED, 'nsenter', `--net=${this.#network}`, ...words], { env })
  }

  /** Starts a container that may write nothing. */
  run(root: string, config: Config, words: readonly string[]): Container {
    const running = this.start(isolated(root, config, words, READ_ONLY), config.env)
    return new Container(this.#t, config, running)
  }
}

/** What runs in a root of its own; `running` ends with it. */
export class Container {
  readonly running: Running
  readonly #t: TestContext
  readonly #config: Config

  constructor(t: TestContext, config: Config, running: Running) {
    this.#t = t
    this.#config = config
    this.running = running
  }

  /** Signals its first process. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.#first(), signal)
  }

  /** Runs one more command in it. */
  exec(words: readonly string[]): Promise<Ended> {
    const [user, group] = ids(this.#config)
    const target = [`--target=${this.#first()}`, '--mount', '--pid', '--net', '--root']
    const entered = ['nsenter', ...target, `--setuid=${user}`, `--setgid=${group}`]
    const command = [...TIED, ...entered, ...inFolder(this.#config, words)]
    return startProgram(this.#t, command, { env: this.#config.env }).ended
  }

  #first(): number {
    const { pid } = this.running.child
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
  }
}

/** Runs a command of a build, with this machine's network and ways to the registries. */
export async function runInBuild(
  t: TestContext,
  root: string,
  config: Config,
  script: string,
): Promise<void> {
  const command = [...TIED, ...isolated(root, config, ['/bin/sh', '-c', script], WAYS_OUT)]
  const env = { ...config.env, ...waysOut(), HOME: '/root' }
  const { code, stdout, stderr } = await startProgram(t, command, { env }).ended
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${stdout}${stderr}`)
}

// The words that start these in a root of its own, with what is to be mounted there besides.
function isolated(root: string, config: Config, words: readonly string[], mounts: string): string[] {
  const [user, group] = ids(config)
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child']
  const script = `${MOUNTS}\n${mounts}\nexec chroot --userspec=${user}:${group} --groups= "$@"`
  return ['unshare', ...namespaces, '/bin/sh', '-c', script, 'sh', root, ...inFolder(config, words)]
}

// As Docker has it: a user that is in no file is in the group of root.
function ids({ user }: Config): [string, string] {
  const [name = '', group = '0'] = user.split(':')
  return [name, group]
}

function inFolder({ workingDirectory }: Config, words: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'cd "$0" && exec "$@"', workingDirectory, ...words]
}

function waysOut(): Record<string, string> {
  const names = /(^|_)proxy$|CERT|_CA_|^npm_config_registry$|^MAVEN_(OPTS|ARGS)$|^JAVA_TOOL_OPTIONS$/i
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      names.test(key) && value !== undefined ? [[key, value]] : [],
    ),
  )
}

// Whatever ends us ends these.
const TIED = ['setpriv', '--pdeathsig=KILL']

// What a container engine mounts.
const MOUNTS = `set -eu
root=$1
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/\${name#*:}" "$root/dev/\${name%:*}"; done
for file in /etc/resolv.conf /etc/hosts; do
  [ -e "$root$file" ] || : > "$root$file"
  mount --bind "$file" "$root$file"
done`

const READ_ONLY = 'mount -o remount,bind,ro "$root"'

// Whom to trust, and what npm and Maven are told on this machine.
const WAYS_OUT = `home=$(getent passwd "$(id -u)" | cut -d: -f6)
theirs=$root$(chroot "$root" getent passwd 0 | cut -d: -f6)
mkdir -p "$root/etc/ssl/certs" "$theirs"
mount --bind /etc/ssl/certs "$root/etc/ssl/certs"
mount -t tmpfs tmpfs "$theirs"
mkdir "$theirs/.m2"
for file in .npmrc .m2/settings.xml; do
  if [ -e "$home/$file" ]; then cp "$home/$file" "$theirs/$file"; fi
done`
