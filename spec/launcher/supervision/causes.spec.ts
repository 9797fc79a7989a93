import assert from 'node:assert/strict'
import { test } from 'node:test'
import { briefly, causeInTrace, causeOf } from '../../../lib/launcher/supervision/causes.ts'
import type { DaemonEvent } from '../../../lib/launcher/supervision/marks.ts'
import { TRACES } from './traces.ts'

const CONTEXT = { streamName: 'words', applicationName: 'x', region: 'us-east-1' }

// What the daemon logged, shortened, and what it comes to.
const CAUSES: readonly (readonly [message: string, cause: string, words: RegExp])[] = [
  [
    'Caught exception',
    'java.lang.RuntimeException: software.amazon.awssdk.core.exception.SdkClientException: Unable to load credentials from any of the providers in the chain',
    /no AWS credentials/,
  ],
  [
    'Caught exception',
    'DynamoDbException: The security token included in the request is invalid. (Service: DynamoDb, Status Code: 400)',
    /does not accept the credentials/,
  ],
  [
    'Caught exception',
    'DynamoDbException: The security token included in the request is expired',
    /have expired/,
  ],
  [
    'Caught exception',
    'AccessDeniedException: User: arn:aws:iam::1:user/me is not authorized to perform: dynamodb:CreateTable on resource: x',
    /of arn:aws:iam::1:user\/me may not do dynamodb:CreateTable/,
  ],
  [
    'Got ResourceNotFoundException when fetching shard list for words. Stream no longer exists.',
    '',
    /no stream words in us-east-1/,
  ],
  [
    'Caught exception',
    'java.lang.IllegalStateException: No shards found when attempting to validate complete hash range.',
    /no stream words/,
  ],
  [
    'Caught exception',
    'SdkClientException: Unable to execute HTTP request: Connection refused: localhost/127.0.0.1:4599 (SDK Attempt Count: 9)',
    /at localhost:4599: connection refused/,
  ],
  [
    'Caught exception',
    'AnnotatedConnectException: Connection refused: /10.0.0.1:80',
    /at 10\.0\.0\.1:80: connection refused/,
  ],
  [
    'Caught exception',
    'SdkClientException: Unable to execute HTTP request: nosuch.invalid (SDK Attempt Count: 4)',
    /host nosuch\.invalid is not known/,
  ],
  [
    'Caught exception',
    'SdkClientException: Received an UnknownHostException when attempting to interact with a service.',
    /host is not known/,
  ],
  [
    'Caught exception',
    'SdkClientException: Unable to execute HTTP request: Acquire operation took longer than the configured maximum time.',
    /does not answer in time/,
  ],
  [
    'Encountered an error',
    'java.io.IOException: Cannot run program "/no/such": error=2, No such file or directory',
    /cannot be started: \/no\/such: No such file or directory/,
  ],
  [
    'Failed to get table status',
    'DynamoDbException: Invalid table/index name.  Table/index names must be',
    /does not take x for a table's name/,
  ],
]

test('says in words what is known to go wrong', () => {
  for (const [message, cause, words] of CAUSES) {
    assert.match(causeOf(event('ERROR', message, cause), CONTEXT) ?? '', words, cause || message)
  }
})

test('has no words for what is no trouble, or is not known', () => {
  assert.equal(causeOf(event('INFO', 'Connection refused: a:1', ''), CONTEXT), undefined)
  assert.equal(causeOf(event('ERROR', 'Something else', 'a.B: c'), CONTEXT), undefined)
})

test('shortens an event to its message and its innermost cause', () => {
  assert.equal(
    briefly(event('ERROR', 'Caught it', 'java.lang.RuntimeException: boom')),
    'Caught it: RuntimeException: boom',
  )
  assert.equal(briefly(event('ERROR', 'Alone', '')), 'Alone')
})

function event(level: string, message: string, cause: string): DaemonEvent {
  const causes = cause === '' ? [] : [cause]
  return { level, time: '', thread: '', logger: 'Scheduler', message, causes, stack: causes }
}

test('finds the most special of the causes in what the real daemon logs', () => {
  for (const [what, message, exception, words] of TRACES) {
    const event = {
      level: 'ERROR',
      time: '',
      logger: 'Scheduler',
      thread: '',
      message,
      causes: [exception],
      stack: [],
    }
    assert.match(causeOf(event, CONTEXT) ?? 'nothing', words, what)
  }
})

test('names the innermost cause of a trace, in words where there are some', () => {
  const wrapped = [
    'java.lang.RuntimeException: java.lang.reflect.InvocationTargetException',
    '\tat a.B.c(B.java:1)',
    'Caused by: java.lang.reflect.InvocationTargetException',
    '\t... 3 more',
  ]
  for (const [innermost, words] of [
    [
      'software.amazon.awssdk.core.exception.SdkClientException: Unable to load region from any of the providers in the chain x',
      /^No region is named/,
    ],
    [
      'java.lang.IllegalArgumentException: No credential providers were specified.',
      /names no class that the daemon can make/,
    ],
    [
      'java.lang.IllegalArgumentException: maxRecords must be less than or equal to 10000',
      /^IllegalArgumentException: maxRecords must be/,
    ],
  ] as const) {
    assert.match(
      causeInTrace([...wrapped, `Caused by: ${innermost}`, '\t... 9 more', 'Usage: …'], CONTEXT),
      words,
    )
  }
  assert.match(
    causeInTrace(
      ['java.lang.IllegalArgumentException: Unknown property: foo', '\tat a.B.c(B.java:1)'],
      CONTEXT,
    ),
    /^foo is not a setter/,
  )
  assert.match(
    causeInTrace(['java.lang.IllegalArgumentException: maxLeasesForWorker should be >= 1'], CONTEXT),
    /^maxLeasesForWorker must be 1 or more/,
  )
})
