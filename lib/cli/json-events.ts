// The events of `dev --json`, as one table: what is told, and in which fields. The reporter can tell nothing else.

/** Every event, when it is told, and its fields besides `event`. */
export const JSON_EVENTS = {
  begin: {
    about: 'the run begins',
    fields: { shards: 'how many', seed: 'of the dice for faults; null without any' },
  },
  started: {
    about: 'a consumer has a shard',
    fields: { shardId: 'its shard', lease: 'how many times the shard was given out' },
  },
  checkpointed: {
    about: 'a checkpoint is stored',
    fields: {
      shardId: 'its shard',
      sequenceNumber: 'of its record, or SHARD_END',
      subSequenceNumber: 'within an aggregated record',
    },
  },
  refused: {
    about: 'a checkpoint is refused',
    fields: {
      shardId: 'its shard',
      sequenceNumber: 'that was asked for; null: everything delivered',
      subSequenceNumber: 'that was asked for, or null',
      error: 'the exception',
    },
  },
  finding: {
    about: 'a consumer did something wrong',
    fields: {
      kind: 'see findings',
      shardId: 'its shard',
      action: 'in hand, or null',
      expected: 'what was to come',
      came: 'what came',
      daemon: 'what the real daemon does about it',
      consequence: 'skip, refuse, hang, exit or wrong',
      hint: 'what the reason may be, where that can be guessed',
      remark: 'true: the real daemon takes no notice',
      lastWords: 'what the consumer wrote last to standard error',
    },
  },
  fault: {
    about: 'a fault strikes',
    fields: { shardId: 'its shard', fault: 'its name', text: 'as it was written' },
  },
  note: { about: 'something else worth knowing', fields: { text: 'the sentence' } },
  restarted: { about: 'the daemon starts again', fields: { times: 'how often so far' } },
  ended: {
    about: 'a consumer no longer has its shard',
    fields: {
      shardId: 'its shard',
      lease: 'how many times the shard was given out',
      end: 'shard-ended, drained, lost, broken or cut-off',
    },
  },
  http: { about: 'with --http, it listens', fields: { url: 'where' } },
  state: {
    about: 'with --http, the state of a shard has changed',
    fields: { shardId: 'the shard', state: 'now', before: 'until now, or null' },
  },
  stopping: {
    about: 'a signal asks the run to stop',
    fields: { signal: 'its name', timeout: 'milliseconds, or null', inHand: 'shards with an action in hand' },
  },
  'stop-timed-out': {
    about: 'the time for a stop is over',
    fields: { inHand: 'shards with an action in hand, which comes again' },
  },
  summary: {
    about: 'the run is over',
    fields: {
      succeeded: 'whether every record was acknowledged and checkpointed, and nothing was found',
      shards: 'how many',
      total: 'records of the input',
      delivered: 'records that were delivered',
      acknowledged: 'records that were acknowledged',
      checkpointed: 'records that a stored checkpoint covers',
      perShard: 'the same for each shard, what is stored, and the time',
      account: 'of every record: delivered once, again, lost, out of order, after a checkpoint',
      consumers: 'how many were started',
      remarks: 'how many remarks there were',
      faults: 'each as it was written, and how often it struck',
    },
  },
} as const

/** The name of an event. */
export type JsonEvent = keyof typeof JSON_EVENTS

/** The fields of an event, all of them. */
export type FieldsOf<E extends JsonEvent> = Readonly<Record<keyof (typeof JSON_EVENTS)[E]['fields'], unknown>>
