// Ctrl-C and its relatives: the first asks for a drain, the second ends everything at once.

/** What can be stopped. */
export interface Stoppable {
  drain(): void
  kill(): void
}

/** Watches for signals until `stop()`; `exitCode` is the shell's for the first one, or null. */
export function drainOnSignals(
  target: Stoppable,
  onFirst: (signal: NodeJS.Signals) => void,
): { readonly exitCode: number | null; stop(): void } {
  let exitCode: number | null = null
  const handle = (signal: NodeJS.Signals): void => {
    if (exitCode === null) {
      exitCode = 128 + (SIGNALS[signal] ?? 0)
      onFirst(signal)
      target.drain()
    } else target.kill()
  }
  const names = Object.keys(SIGNALS) as NodeJS.Signals[]
  for (const name of names) process.on(name, handle)
  return {
    get exitCode() {
      return exitCode
    },
    stop() {
      for (const name of names) process.off(name, handle)
    },
  }
}

const SIGNALS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
