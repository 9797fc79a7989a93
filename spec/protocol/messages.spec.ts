import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DaemonProtocolError } from '../../lib/errors.ts'
import {
  checkpointText,
  isSequenceNumber,
  type Message,
  parseMessage,
  statusText,
} from '../../lib/protocol/messages.ts'

describe('a line of the daemon', () => {
  test('initialize tells the shard and where it starts', () => {
    assert.deepEqual(
      parse({ action: 'initialize', shardId: 'shardId-0', sequenceNumber: '49', subSequenceNumber: 2 }),
      {
        action: 'initialize',
        wireName: 'initialize',
        shard: { shardId: 'shardId-0', sequenceNumber: '49', subSequenceNumber: 2 },
      },
    )
  })

  test('initialize may leave out everything but the shard', () => {
    const shard = { shardId: 'shardId-0', sequenceNumber: null, subSequenceNumber: 0 }
    assert.deepEqual(parse({ action: 'initialize', shardId: 'shardId-0' }), {
      action: 'initialize',
      wireName: 'initialize',
      shard,
    })
  })

  test('processRecords tells its records, and does not mind fields that we do not know', () => {
    const known = {
      data: 'aGk=',
      partitionKey: 'Zürich \u2028',
      sequenceNumber: '49680480256270502784961332001575032914347531204388978706',
      subSequenceNumber: 3,
      approximateArrivalTimestamp: 1795407908571,
    }
    const record = { ...known, action: 'record', encryptionType: 'NONE' }
    assert.deepEqual(
      parse({ action: 'processRecords', records: [record], millisBehindLatest: 12, cacheEntryTime: null }),
      { action: 'processRecords', wireName: 'processRecords', records: [record], millisBehindLatest: 12 },
    )
  })

  test('a record may leave out its data, its time and its sub-sequence, or hold null there', () => {
    const bare = { partitionKey: '', sequenceNumber: '7' }
    const nulls = { ...bare, data: null, subSequenceNumber: null, approximateArrivalTimestamp: null }
    const read = {
      data: null,
      partitionKey: '',
      sequenceNumber: '7',
      subSequenceNumber: 0,
      approximateArrivalTimestamp: null,
    }
    assert.deepEqual(parse({ action: 'processRecords', records: [bare, nulls] }), {
      action: 'processRecords',
      wireName: 'processRecords',
      records: [read, read],
      millisBehindLatest: null,
    })
  })

  test('an empty batch is a batch', () => {
    const message = parse({ action: 'processRecords', records: [], millisBehindLatest: null })
    assert.deepEqual(message.action === 'processRecords' && message.records, [])
  })

  for (const action of ['shutdownRequested', 'shardEnded', 'leaseLost'] as const) {
    test(`${action} has no fields`, () => {
      assert.deepEqual(parse({ action }), { action, wireName: action })
    })
  }

  test('the shutdown of a 1.x daemon means the end of the shard or the loss of the lease, under its old name', () => {
    assert.deepEqual(parse({ action: 'shutdown', reason: 'TERMINATE' }), {
      action: 'shardEnded',
      wireName: 'shutdown',
    })
    assert.deepEqual(parse({ action: 'shutdown', reason: 'ZOMBIE' }), {
      action: 'leaseLost',
      wireName: 'shutdown',
    })
  })

  test("a checkpoint's answer tells the exception, or null", () => {
    const echo = { action: 'checkpoint', sequenceNumber: '1', subSequenceNumber: 0 }
    assert.deepEqual(parse({ ...echo, error: null }), { action: 'checkpoint', error: null })
    assert.deepEqual(parse(echo), { action: 'checkpoint', error: null })
    assert.deepEqual(parse({ ...echo, error: 'ThrottlingException' }), {
      action: 'checkpoint',
      error: 'ThrottlingException',
    })
  })
})

describe('a line that breaks the protocol is refused, and the text names the action and the field', () => {
  const record = { partitionKey: 'k', sequenceNumber: '1' }
  const withRecord = (change: object): object => ({
    action: 'processRecords',
    records: [record, { ...record, ...change }],
  })
  const refused: [title: string, line: object | string, text: RegExp][] = [
    ['a blank line', '', /not JSON/],
    ['half a line', '{"action":"leaseLost"', /not JSON: "\{\\"action\\":\\"leaseLost\\""/],
    ['two messages in one line', '{"action":"leaseLost"}{"action":"leaseLost"}', /not JSON/],
    ['null', 'null', /not a JSON object/],
    ['a list', '[]', /not a JSON object/],
    ['a number', '1', /not a JSON object/],
    ['no action', {}, /"action" is missing/],
    ['an action that is no text', { action: 1 }, /"action" is "1"/],
    ['an unknown action', { action: 'dance' }, /the action "dance", which this version/],
    ['an action named after a property of every object', { action: 'constructor' }, /"constructor"/],
    ['initialize without a shard', { action: 'initialize' }, /initialize in which "shardId" is missing/],
    ['a shard that is no text', { action: 'initialize', shardId: 5 }, /initialize .*"shardId" is "5"/],
    [
      'a start that is a number',
      { action: 'initialize', shardId: 's', sequenceNumber: 49 },
      /initialize .*"sequenceNumber" is "49", not a string or null/,
    ],
    [
      'a sub-sequence that is text',
      { action: 'initialize', shardId: 's', subSequenceNumber: '0' },
      /initialize .*"subSequenceNumber"/,
    ],
    ['no records', { action: 'processRecords' }, /processRecords in which "records" is missing/],
    ['records that are no list', { action: 'processRecords', records: {} }, /"records" is "\{\}"/],
    ['a record that is null', { action: 'processRecords', records: [null] }, /"records\[0\]" is "null"/],
    [
      'no sequence number',
      withRecord({ sequenceNumber: undefined }),
      /"records\[1\].sequenceNumber" is missing/,
    ],
    ['a sequence number that is a number', withRecord({ sequenceNumber: 1 }), /records\[1\].sequenceNumber/],
    ['a sequence number that is a name', withRecord({ sequenceNumber: 'LATEST' }), /not a string of digits/],
    ['no partition key', withRecord({ partitionKey: undefined }), /"records\[1\].partitionKey" is missing/],
    [
      'a partition key that is null',
      withRecord({ partitionKey: null }),
      /"records\[1\].partitionKey" is "null"/,
    ],
    ['data that are no text', withRecord({ data: [104] }), /"records\[1\].data"/],
    [
      'a time that is text',
      withRecord({ approximateArrivalTimestamp: 'now' }),
      /approximateArrivalTimestamp/,
    ],
    ['a negative sub-sequence', withRecord({ subSequenceNumber: -1 }), /subSequenceNumber.*a whole number/],
    ['a broken sub-sequence', withRecord({ subSequenceNumber: 0.5 }), /subSequenceNumber.*a whole number/],
    [
      'a lag that is text',
      { action: 'processRecords', records: [], millisBehindLatest: '0' },
      /processRecords .*"millisBehindLatest"/,
    ],
    ['shutdown without a reason', { action: 'shutdown' }, /shutdown in which "reason" is missing/],
    ['an unknown reason', { action: 'shutdown', reason: 'WHIM' }, /"reason" .*WHIM.*TERMINATE or ZOMBIE/],
    ['an exception that is no text', { action: 'checkpoint', error: {} }, /checkpoint in which "error"/],
  ]
  for (const [title, line, text] of refused) {
    test(title, () => {
      const words = typeof line === 'string' ? line : JSON.stringify(line)
      assert.throws(
        () => parseMessage(words),
        (error) => {
          assert.ok(error instanceof DaemonProtocolError)
          assert.match(error.message, text)
          return true
        },
      )
    })
  }

  test('a long line is quoted by its beginning only', () => {
    assert.throws(
      () => parseMessage('x'.repeat(1_000_000)),
      (error: Error) => {
        assert.match(error.message, /… \(1000000 characters\)/)
        return error.message.length < 400
      },
    )
  })
})

describe('what leaves us', () => {
  test('stands on a line of its own, whatever else was written to the pipe', () => {
    assert.equal(statusText('processRecords'), '\n{"action":"status","responseFor":"processRecords"}\n')
    assert.equal(
      checkpointText({ sequenceNumber: '49', subSequenceNumber: 0 }),
      '\n{"action":"checkpoint","sequenceNumber":"49","subSequenceNumber":0}\n',
    )
    assert.equal(checkpointText(null), '\n{"action":"checkpoint"}\n')
  })

  test('holds nothing of a position but its two numbers', () => {
    const record = {
      sequenceNumber: '49',
      subSequenceNumber: 1,
      data: 'aGk=',
      toJSON: () => 'something else',
    }
    assert.deepEqual(JSON.parse(checkpointText(record)), {
      action: 'checkpoint',
      sequenceNumber: '49',
      subSequenceNumber: 1,
    })
  })
})

test('only digits count as a sequence number', () => {
  for (const good of ['0', '007', '49680480437151847090243216302571243823798426220170838018']) {
    assert.ok(isSequenceNumber(good), good)
  }
  for (const bad of [
    '',
    ' 1',
    '1 ',
    '1\n',
    '-1',
    '1.5',
    '1e3',
    '٣',
    'LATEST',
    'SHARD_END',
    1,
    1n,
    null,
    undefined,
  ]) {
    assert.ok(!isSequenceNumber(bad), String(bad))
  }
})

function parse(line: object): Message {
  return parseMessage(JSON.stringify(line))
}
