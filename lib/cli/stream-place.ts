// Which stream, and a client for it: from the same settings as the daemon's, so that one properties file says it to all.

import type { AwsCall } from '../aws/client.ts'
import { UsageError } from '../errors.ts'
import { clientFor } from '../launcher/configuration/clients.ts'
import type { Setting } from '../launcher/configuration/setting.ts'
import { streamNameOf } from '../launcher/preflight/stream.ts'

/** A stream and how to reach it. */
export interface StreamPlace {
  readonly name: string
  /** Its ARN where that was given, else its name. */
  readonly stream: string
  readonly kinesis: AwsCall
}

/** Finds both in the settings. Throws UsageError where one of them is not said. */
export function streamPlace(settings: ReadonlyMap<string, Setting>): StreamPlace {
  const name = streamNameOf(settings)
  if (name === undefined) {
    throw new UsageError(
      'Which stream? Give --stream-name=NAME, KCL_STREAM_NAME, or --config=FILE with a streamName.',
    )
  }
  const kinesis = clientFor('kinesis', settings, process.env)
  if (kinesis === undefined) {
    throw new UsageError('Which region? Give --region-name=REGION, AWS_REGION, or a regionName in the file.')
  }
  return { name, stream: settings.get('streamArn')?.value.trim() || name, kinesis }
}
