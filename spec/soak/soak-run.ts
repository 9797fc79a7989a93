// One run of the soak: records through `dev`, with faults of every kind drawn from a seed, and afterwards the log of
// the consumers read as evidence of its own: each key's records were worked on, in their order.

import { spawn } from 'node:child_process'
import { createReadStream, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Random, seeded } from '../../lib/daemon/faults/random.ts'

/** How the consumer works: over the daemon's batches, its own, or with many handlers at once on either. */
export const STYLES = ['iterate', 'own-size', 'handlers', 'handlers of own size'] as const
export type Style = (typeof STYLES)[number]

export interface SoakOptions {
  readonly style: Style
  readonly folder: string
  readonly seed: number
  readonly records: number
  readonly shards: number
  /** Records in a batch. */
  readonly batch: number
}

/** What one run came to; the first four must be as they should. */
export interface SoakResult {
  readonly succeeded: boolean
  /** Records that no consumer ever worked on, by the consumers' own log. */
  readonly missed: number
  /** Records worked on before an earlier one of their key, by the consumers' own log. */
  readonly outOfOrder: number
  readonly account: Readonly<Record<string, number>>
  readonly consumers: number
  readonly restarts: number
  readonly shards: number
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>
  readonly refusals: number
  readonly seconds: number
  /** What `dev` found wrong with the consumers. */
  readonly findings: readonly string[]
  /** Standard error: a consumer whose daemon is killed in the middle of a batch says so before it exits. */
  readonly log: string
}

/** Runs one seed. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { folder, seed, style, records, shards, batch } = options
  const input = join(folder, `input-${seed}.ndjson`)
  const log = join(folder, `log-${seed}`)
  const keys = Math.max(10, Math.floor(records / 100))
  writeInput(input, records, keys, seeded(seed, 'input'))
  writeFileSync(log, '')
  const started = performance.now()
  const args = ['--input', input, '--key', 'key', '--shards', String(shards), '--seed', String(seed)]
  const faults = drawFaults(seeded(seed, 'faults'), records / shards, shards, batch)
  const { code, stdout, stderr } = await run(
    [
      'dev',
      ...args,
      ...['--json', '--batch', String(batch)],
      ...faults.flatMap((fault) => ['--fault', fault]),
      ...['--', process.execPath, 'dist/spec/soak/consumer.js'],
    ],
    { SOAK_LOG: log, SOAK_STYLE: style },
  )
  const seconds = (performance.now() - started) / 1000
  const evidence = await readLog(log, input)
  for (const file of [input, log]) rmSync(file, { force: true })
  return { ...readEvents(stdout, stderr, code), ...evidence, seconds }
}

// Every kind of fault, at rates that leave the run some work between two of them.
function drawFaults(random: Random, perShard: number, shards: number, batch: number): string[] {
  const chance = (least: number, most: number): string => (least + (most - least) * random()).toFixed(4)
  const place = (): string => `@${Math.floor(random() * perShard)}/${Math.floor(random() * shards)}`
  const batches = perShard / batch
  const rare = (times: number): string => chance(0, (2 * times) / batches / shards)
  return [
    `refuse=ThrottlingException:${chance(0.05, 0.3)}`,
    `refuse=KinesisClientLibDependencyException:${chance(0.01, 0.1)}`,
    `refuse=RuntimeException:${chance(0.01, 0.1)}`,
    `refuse=ShutdownException:${chance(0.0005, 0.003)}`,
    `empty:${chance(0.01, 0.2)}`,
    `lease-lost:${place()}`,
    `lease-lost:${rare(6)}`,
    `shutdown:${place()}`,
    `shutdown:${rare(4)}`,
    `split:${place()}`,
    `split:${rare(3)}`,
    `merge:${place()}`,
    `merge:${rare(3)}`,
    `kill-consumer:${place()}`,
    `kill-consumer:${place()}`,
    `kill-daemon:${place()}`,
    `kill-daemon:${place()}`,
    ...(random() < 0.5 ? [`aggregate=${2 + Math.floor(random() * 8)}`] : []),
    ...(random() < 0.5 ? ['odd-keys'] : []),
  ]
}

function writeInput(file: string, records: number, keys: number, random: Random): void {
  const counts = new Map<number, number>()
  const lines: string[] = []
  for (let at = 0; at < records; at += 1) {
    const key = Math.floor(random() * keys)
    const n = counts.get(key) ?? 0
    counts.set(key, n + 1)
    lines.push(`${JSON.stringify({ key: `k${key}`, n, text: 'x'.repeat(Math.floor(random() * 80)) })}\n`)
  }
  writeFileSync(file, lines.join(''))
}

// A key's records are numbered from 0. Whatever comes again, the next new one must be the next number.
async function readLog(log: string, input: string): Promise<{ missed: number; outOfOrder: number }> {
  const next = new Map<string, number>()
  let outOfOrder = 0
  for await (const line of createInterface({ input: createReadStream(log) })) {
    const [key = '', number = ''] = line.split(' ')
    const expected = next.get(key) ?? 0
    if (Number(number) > expected) outOfOrder += 1
    next.set(key, Math.max(expected, Number(number) + 1))
  }
  let missed = 0
  for await (const line of createInterface({ input: createReadStream(input) })) {
    const { key, n } = JSON.parse(line) as { key: string; n: number }
    if (n >= (next.get(key) ?? 0)) missed += 1
  }
  return { missed, outOfOrder }
}

function readEvents(
  stdout: string,
  stderr: string,
  code: number | null,
): Omit<SoakResult, 'missed' | 'outOfOrder' | 'seconds'> {
  const faults: Record<string, number> = {}
  const findings: string[] = []
  let restarts = 0
  let refusals = 0
  let summary: Record<string, unknown> = {}
  for (const line of stdout.trimEnd().split('\n')) {
    const event = JSON.parse(line) as Record<string, unknown>
    if (event.event === 'fault') faults[String(event.fault)] = (faults[String(event.fault)] ?? 0) + 1
    if (event.event === 'restarted') restarts += 1
    if (event.event === 'refused') refusals += 1
    if (event.event === 'finding') findings.push(JSON.stringify(event, null, 2))
    if (event.event === 'summary') summary = event
  }
  return {
    succeeded: code === 0 && summary.succeeded === true,
    account: summary.account as Record<string, number>,
    consumers: Number(summary.consumers),
    shards: Number(summary.shards),
    restarts,
    refusals,
    faults,
    findings,
    log: stderr,
  }
}

function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['dist/lib/cli/main.js', ...args], {
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}
