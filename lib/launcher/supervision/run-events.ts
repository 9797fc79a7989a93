// What `run --json` says, as one table: the fields of every line, and of the events among them. The reporter can tell no other.

/** The fields of every line. */
export const RUN_LINE = {
  time: 'ISO 8601, UTC',
  level: 'error, warn or info; of the daemon’s own lines debug and trace, too',
  source:
    'who says it: kcl-session, a logger of the daemon by its short name, java for the JVM itself, consumer for a line of a consumer',
  message: 'the sentence, as it is without --json',
  shardId: 'of a consumer’s line: its shard, or null where that is not known',
  stack: 'of a daemon’s line: the frames of its stack trace, if there is one',
} as const

/** Every event of the launcher's, when it is told, and its fields besides those of a line. */
export const RUN_EVENTS = {
  starting: {
    about: 'the daemon is about to be started',
    fields: { applicationName: 'the application', workerIdentifier: 'the worker, as the lease table has it' },
  },
  started: {
    about: 'a shard has a consumer',
    fields: { shardId: 'its shard', pid: 'its process' },
  },
  ended: {
    about: 'a consumer has ended, whatever the reason',
    fields: { shardId: 'its shard', pid: 'its process' },
  },
  died: {
    about:
      'a consumer has ended before it was done, or was seen out after that; the message has its last words',
    fields: { shardId: 'its shard' },
  },
  'shard-end': {
    about: 'a shard was split or merged, and has been read to its end',
    fields: { shardId: 'the shard' },
  },
  'leases-lost': {
    about: 'leases were lost while their consumers were at work',
    fields: { shardIds: 'their shards' },
  },
  handover: {
    about: 'a lease goes to another worker, or should have gone long ago',
    fields: { shardId: 'its shard' },
  },
  trouble: {
    about: 'the daemon does not get on: AWS does not answer, or not as it should; the message has the cause',
    fields: { shardId: 'the shard that waits; null where it is none alone' },
  },
  'leader-lock': {
    about: 'the lock of the application’s leader could not be given back',
    fields: { until: 'when it runs out at the latest, ISO 8601' },
  },
  http: { about: 'with --http, it listens', fields: { url: 'where' } },
  state: {
    about: 'the state of a shard has changed',
    fields: { shardId: 'the shard', state: 'now', before: 'until now, or null' },
  },
  summary: {
    about: 'every --summary, while there are shards',
    fields: { shards: 'each as /shards.json of --http has it' },
  },
  stopping: { about: 'a signal asks the run to stop', fields: { signal: 'its name' } },
  restarting: {
    about: 'with --restart, the daemon is started again',
    fields: { delay: 'after so many milliseconds' },
  },
  stopped: {
    about: 'the run has ended because it was asked to',
    fields: { clean: 'false: not every consumer was done, and what it had in hand comes again' },
  },
} as const

type Events = typeof RUN_EVENTS

/** An event with all of its fields. */
export type RunEvent = {
  [E in keyof Events]: Readonly<{ event: E } & Record<keyof Events[E]['fields'], unknown>>
}[keyof Events]
