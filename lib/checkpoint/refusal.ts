// What the daemon may answer instead of "stored", read in its classes, and what follows from each name. Rule: only
// what may pass by itself is tried again; a name that is not in the table is reported, because nobody knows what it means.

/** What a refusal comes to: the lease is gone, another try may help, or it is final. */
export type Refusal = 'lease lost' | 'try again' | 'final'

/** What the exception of this simple class name comes to. */
export function refusalOf(exception: string): Refusal {
  return ANSWERS.get(exception)?.refusal ?? 'final'
}

/** What is wrong, in words for a message. */
export function explainRefusal(exception: string): string {
  return ANSWERS.get(exception)?.words ?? "see the daemon's log for the cause"
}

const AWAY = 'the lease table in DynamoDB is throttled or cannot be reached'

// The order is the daemon's own: what the lease table says, what keeps it from being asked, and what is wrong here.
const ANSWERS: ReadonlyMap<string, { readonly refusal: Refusal; readonly words: string }> = new Map([
  // The lease is not in the worker's hands, or its counter in the table is another worker's.
  ['ShutdownException', { refusal: 'lease lost', words: 'the lease is lost' }],
  ['ThrottlingException', { refusal: 'try again', words: AWAY }],
  // Any other answer of DynamoDB, and none within the daemon's own time.
  ['KinesisClientLibDependencyException', { refusal: 'try again', words: AWAY }],
  // The daemon translates answers of DynamoDB only: without one (connection refused or reset, no such host, no
  // credentials to ask with) the client's failure comes wrapped in a bare RuntimeException.
  ['RuntimeException', { refusal: 'try again', words: AWAY }],
  // DynamoDB knows no such table: deleted, and every lease with it.
  [
    'InvalidStateException',
    { refusal: 'final', words: 'the lease table is missing, or this action has no checkpointer' },
  ],
  [
    'IllegalArgumentException',
    { refusal: 'final', words: 'it lies before the last checkpoint or behind the last record delivered' },
  ],
])
