// What is legal when, as one table that alone decides it.
//
// The daemon speaks first. It hands us one action at a time and waits for one status. Between an action and its
// status we may ask for checkpoints, one at a time, each answered before the next and before the status; but not
// while we initialize, nor once the lease is lost: there is no checkpointer then.
// The input may end at any time. Between actions that is the ordinary end; in the middle of one the daemon is gone.
// What the table does not allow, the daemon or we got wrong: after the daemon's mistakes nothing is said any more.

import type { ActionName } from './messages.ts'

/** The states of a conversation. Those in the middle of an action are named after the action. */
export type ConversationState =
  | 'new'
  | 'initialize'
  | 'ready'
  | 'processRecords'
  | 'processRecords, checkpoint asked'
  | 'shutdownRequested'
  | 'shutdownRequested, checkpoint asked'
  | 'shardEnded'
  | 'shardEnded, checkpoint asked'
  | 'leaseLost'
  | 'over'
  | 'ended'
  | 'failed'

/** What can happen: the daemon sends an action or a checkpoint's answer, its pipe ends, we acknowledge or ask for a checkpoint. */
export type ConversationInput = ActionName | 'answer' | 'end' | 'status' | 'checkpoint'

/** The one table: state × input → next state. An input that a row does not name is illegal in that state. */
export const TRANSITIONS: {
  readonly [S in ConversationState]: { readonly [I in ConversationInput]?: ConversationState }
} = {
  new: { initialize: 'initialize', end: 'ended' },
  initialize: { status: 'ready', end: 'failed' },
  ready: {
    processRecords: 'processRecords',
    shutdownRequested: 'shutdownRequested',
    shardEnded: 'shardEnded',
    leaseLost: 'leaseLost',
    end: 'ended',
  },
  processRecords: { status: 'ready', checkpoint: 'processRecords, checkpoint asked', end: 'failed' },
  'processRecords, checkpoint asked': { answer: 'processRecords', end: 'failed' },
  shutdownRequested: { status: 'ready', checkpoint: 'shutdownRequested, checkpoint asked', end: 'failed' },
  'shutdownRequested, checkpoint asked': { answer: 'shutdownRequested', end: 'failed' },
  shardEnded: { status: 'over', checkpoint: 'shardEnded, checkpoint asked', end: 'failed' },
  'shardEnded, checkpoint asked': { answer: 'shardEnded', end: 'failed' },
  leaseLost: { status: 'over', end: 'failed' },
  over: { end: 'ended' },
  ended: {},
  failed: {},
}
