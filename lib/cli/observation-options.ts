// The options by which `run` and `dev` tell how their shards are doing to others than whoever reads the terminal.

import { type Command, Option } from 'commander'
import { seconds } from './arguments.ts'

/** The options of an observation, as commander names them. */
export interface ObservationOptions {
  readonly http?: string
  readonly httpLogs?: boolean
  /** Milliseconds; null for never. */
  readonly stuckAfter: number | null
}

/** Adds them to a command. */
export function withObservationOptions(command: Command): Command {
  return command
    .option(
      '--http <[host:]port>',
      'serve probes, metrics and a page; on this machine alone unless HOST is given',
    )
    .option('--http-logs', "serve the consumers' last lines to others than this machine, too")
    .addOption(
      new Option('--stuck-after <time>', 'without progress for so long, a shard is stuck; 0: never')
        .argParser(seconds)
        .default(600_000, '10m'),
    )
}
