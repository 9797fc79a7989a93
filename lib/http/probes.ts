// The answers to probes, as the API server of Kubernetes words them: `ok`, or a line for each check that failed;
// with ?verbose all of them. Liveness fails only for what a restart cures: lag, throttling, missing credentials or
// no shard at all would only get worse if every shard of the worker were taken down. Pure.

import type { WorkerView } from '../children/worker-view.ts'

/** What a probe is told. */
export interface ProbeAnswer {
  readonly ok: boolean
  readonly text: string
}

/** Answers /livez (and /healthz, which is the same). */
export function livez(worker: WorkerView, verbose: boolean): ProbeAnswer {
  const well = worker.shards
    .filter(({ state }) => state !== 'stuck')
    .map(({ shard, state }) => `${shard} ${state}`)
  const spoke =
    worker.daemonSilence === null ? [] : [`daemon, last word ${Math.round(worker.daemonSilence)} s ago`]
  return answer('livez', worker.live, [...well, ...spoke], verbose)
}

/** Answers /readyz. A worker without a shard is ready: it is a spare. */
export function readyz(worker: WorkerView, verbose: boolean): ProbeAnswer {
  return answer('readyz', worker.ready, [`the worker is ${worker.phase}`], verbose)
}

function answer(
  name: string,
  failed: readonly string[],
  passed: readonly string[],
  verbose: boolean,
): ProbeAnswer {
  const ok = failed.length === 0
  if (ok && !verbose) return { ok, text: 'ok\n' }
  const lines = [
    ...(verbose ? (ok || name === 'livez' ? passed : []).map((one) => `[+] ${one}`) : []),
    ...failed.map((one) => `[-] ${one}`),
    ...(verbose ? [`${name} check ${ok ? 'passed' : 'failed'}`] : []),
  ]
  return { ok, text: lines.map((line) => `${line}\n`).join('') }
}
