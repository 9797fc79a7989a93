// Which kind a message is of. What a kind means, and what to do about it, stands in the guide on troubleshooting, by the same names.
// Rule: the first that fits; where one file says things of several kinds, the words decide.

import type { Said } from './messages.ts'

/** The kind of a message; undefined where it has none yet. */
export function kindOf({ file, text }: Said): string | undefined {
  return KINDS.find(([, files, words]) => files.test(file) && (words === undefined || words.test(text)))?.[0]
}

type Kind = readonly [name: string, files: RegExp, words?: RegExp]

const KINDS: readonly Kind[] = [
  ['a record’s data', /^(record|schema)\.ts/, /does not fit|not JSON|answered with a promise/],
  [
    'an argument of a call',
    /^(checkpoint\/(policy|retry)|session\/(options|batch-iterator|work)|host\/each-shard|(time|nearest|schema)\.ts|io\/log)/,
    /takes |not a function|whole number|is no[tn] |give (an object|a function)|not an option|answered with a promise|no method|fixed length|above the maxDelay|Did you mean|options are|ordering is/,
  ],
  [
    'a position',
    /^(session\/(batch|checkpointing)|protocol\/conversation)/,
    /checkpoint\(|A checkpoint|Give a record/,
  ],
  ['a refused checkpoint', /^checkpoint\//],
  ['a handler that failed', /^(session\/(ending|work)|host\/(each-shard|context))/],
  ['a loop that would lose records', /^session\/(mode|batch-iterator|record-iterator|batch|hand|segment)/],
  ['a body that waits, or is left', /^session\/(vigil|abandonment|session)\./],
  ['the lease or the daemon is gone', /^(session\/|io\/(lines|writer))/],
  ['nobody takes the log', /^io\/(log|output)/],
  ['the pipes to the daemon', /^(io\/(channel|claim|hosted)|host\/)/],
  ['the conversation', /^protocol\//],
  [
    'a test’s session',
    /^testing\/test-daemon/,
    /no status|protocol|timer|Did its loop|nobody handled|its handler|the real daemon: /,
  ],
  ['a test that asks for too much', /^testing\//],

  ['credentials providers', /^launcher\/configuration\/credentials/],
  [
    'a property twice',
    /^launcher\/configuration\//,
    /the last one counts|set the same thing|differ; the|ignores the name|Remove one of them|Keep one of them/,
  ],
  [
    'a property without effect',
    /^launcher\/configuration\//,
    /not a property|no effect|not a setter|not applied|does no harm|another program|spelled/,
  ],
  ['a property without effect', /^launcher\/configuration\/catalogue\/successors/],
  ['a region, an endpoint, an account', /^launcher\/configuration\/lint\/places/],
  ['a value with more in it', /^launcher\/configuration\/lint\/text/],
  ['a name, a time, a number of threads', /^launcher\/configuration\/lint\/work\b/],
  ['a value that would be misread', /^launcher\/configuration\/(lint\/values|report|catalogue)/],
  ['the configuration cannot be read', /^launcher\/configuration\//],
  [
    'jars',
    /^launcher\/(machine\/(jars|jar-folder|jar-set|maven)|prepare)/,
    /[jJ]ar|Maven|multilang|fetch|place to keep|another process|--classpath|Use another folder/,
  ],
  ['workers and applications by name', /^launcher\/machine\/identity/],
  [
    'what the machine lacks',
    /^launcher\/(machine\/|launch)/,
    /Java|JAVA|Linux|sh\b|Windows|reap|fetch|none|stable|random|serve all|written|first process|process for each/,
  ],

  [
    'AWS credentials and rights',
    /^(aws\/credentials|launcher\/(supervision\/causes|preflight))/,
    /credentials|SSO|profile|role|may not|key is unknown|identity|no region is named|names no class/i,
  ],
  [
    'the lease table',
    /^launcher\/(supervision\/causes|preflight)/,
    /lease|looked|looking|initialPositionInStreamExtended/,
  ],
  ['the stream', /^launcher\/(supervision\/causes|preflight)/, /stream |streamName|Name another/],
  ['the network', /^(aws\/client|launcher\/supervision\/causes)/, /answer|host|keeps trying/],
  ['a value that Java refuses', /^launcher\/supervision\/causes/],
  ['throttling and slow reads', /^launcher\/supervision\/kcl-words/],
  [
    'one process for all shards',
    /^(children\/(shared-consumer|host-process)|launcher\/(prepare|supervision\/shared-host)|cli\/(check|dev)\.)|last-words/,
    /shared|serves all|eachShard|of its own|\/proc|node itself/,
  ],
  [
    'a shard without progress',
    /^(children\/worker|launcher\/supervision\/supervision|cli\/(observation|dev-reporter|live-table)|http\/probes)/,
    /progress|silent|said nothing|blocked|has been in hand|nothing has been read|not report|after it was/,
  ],
  [
    'the end of a consumer, or of the daemon',
    /^launcher\/supervision\/(deaths|last-words|leader-lock|supervision)|^children\/shared/,
  ],
  ['shards that come, go and wait', /^launcher\/supervision\//],
  ['a start and a stop', /^launcher\/|^cli\/run\./, /^(?!…: there is no)/],

  ['a consumer’s command', /^children\/command/],
  ['a fault on demand', /^(daemon\/faults|cli\/dev-reporter)/, /fault|strike|struck|Did you mean/i],
  [
    'a state of an earlier run',
    /^(daemon\/(lease\/(state|lock)|stream\/fingerprint|kinesis\/(saved-stream|kinesis-source))|cli\/file-source)/,
    /state|belongs|earlier run|Cannot (keep|read|write)|another folder|its end|positions|begin again|was made with/,
  ],
  [
    'a transcript',
    /^(daemon\/(conversation\/transcript|stream\/formats\/kept-records|watch\/record)|cli\/replay)/,
  ],
  [
    'a record that Kinesis would not take',
    /^(daemon\/stream\/(record-line|formats\/fields|input\.)|local\/put)/,
    /10 MiB|at most|partition key|no field|hash key|a time is|partition key/,
  ],
  ['an input that is something else', /^daemon\/stream\//],
  ['a stream read by dev', /^(daemon\/kinesis|cli\/stream-source)/],
  [
    'files, ports and limits',
    /^(cli\/(fatal|local)|http\/server|io\/folder|local\/servers)/,
    /space|quota|read-only|This (user|is)|no such file|files are open|memory|processes|port|written|foreseen|--verbose|endpoint right|nothing can be|may not be used/,
  ],
  ['a local stream', /^(local\/|cli\/(local|put))/],
  ['status and reset', /^(leases\/|cli\/(reset|status))/],
  [
    'what dev tells',
    /^(daemon\/|cli\/(dev|dev-reporter|dev-progress|run-console)\.)/,
    /^(?!.*--)(?!.*is not an option)/,
  ],
  ['a command line', /^(cli|daemon|http|children)\//],
]

/** The names, in the order in which they are tried. */
export const KIND_NAMES: readonly string[] = [...new Set(KINDS.map(([name]) => name))]
