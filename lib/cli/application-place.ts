// The application that `status` and `reset` are about: its tables, its stream and clients for both, from the same
// settings that `run` starts the daemon with.

import type { Command } from 'commander'
import type { AwsCall } from '../aws/client.ts'
import { UsageError } from '../errors.ts'
import { clientFor } from '../launcher/configuration/clients.ts'
import type { TableNames } from '../leases/lease-table.ts'
import { collect, settingsFrom } from './configuration-options.ts'

/** Where an application keeps what it knows. */
export interface ApplicationPlace {
  readonly application: string
  readonly tables: TableNames
  /** Its name or ARN; null where it was not given. */
  readonly stream: string | null
  /** Milliseconds. */
  readonly failoverTime: number
  readonly dynamoDB: AwsCall
  /** Asked for where it is needed: `status` without --lag needs no rights on the stream. */
  readonly kinesis: () => AwsCall
}

/** Adds the options that say which application. */
export function withApplicationOptions(command: Command): Command {
  return command
    .option('--config <file>', "the daemon's .properties file: application, stream, region and endpoints")
    .option('--set <key=value>', 'a property (repeatable); --key=value does the same', collect)
    .allowUnknownOption()
    .allowExcessArguments()
}

/** Reads them. Throws UsageError where the application or the region is not known. */
export function applicationPlace(command: Command): ApplicationPlace {
  const settings = settingsFrom(command)
  const value = (key: string): string | undefined => settings.get(key)?.value.trim() || undefined
  const application = value('applicationName')
  if (application === undefined) {
    throw new UsageError(
      'Which application? Give --application-name=NAME, KCL_APPLICATION_NAME, or --config=FILE with an applicationName.',
    )
  }
  const client = (service: 'kinesis' | 'dynamodb'): AwsCall => {
    const made = clientFor(service, settings, process.env)
    if (made !== undefined) return made
    throw new UsageError('Which region? Give --region-name=REGION, AWS_REGION, or a regionName in the file.')
  }
  return {
    application,
    tables: {
      leases: value('tableName') ?? application,
      workers: value('workerMetricsTableName') ?? `${application}-WorkerMetricStats`,
      coordinator: value('coordinatorStateTableName') ?? `${application}-CoordinatorState`,
    },
    stream: value('streamArn') ?? value('streamName') ?? null,
    failoverTime: Number(value('failoverTimeMillis') ?? 10_000),
    dynamoDB: client('dynamodb'),
    kinesis: () => client('kinesis'),
  }
}
