import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkpointLine,
  initializeLine,
  processRecordsLine,
  readConsumerLine,
} from '../../../lib/daemon/conversation/messages.ts'

const read = readConsumerLine
const status = (responseFor: string | null): object => ({ kind: 'status', responseFor })
const checkpoint = (sequenceNumber: string | null, subSequenceNumber: number | null): object => ({
  kind: 'checkpoint',
  sequenceNumber,
  subSequenceNumber,
})

test('takes a status and a checkpoint in any order of keys', () => {
  assert.deepEqual(read('{"action":"status","responseFor":"initialize"}'), status('initialize'))
  assert.deepEqual(read(' { "responseFor" : "initialize" , "action" : "status" } '), status('initialize'))
  assert.deepEqual(read('{"action":"status"}'), status(null))
  assert.deepEqual(read('{"action":"checkpoint"}'), checkpoint(null, null))
  assert.deepEqual(
    read('{"action":"checkpoint","sequenceNumber":"12","subSequenceNumber":3}'),
    checkpoint('12', 3),
  )
})

test('converts scalars as Jackson does, without losing digits', () => {
  const digits = '49680480408606893236124018681401897657349674107433648130'
  assert.deepEqual(read(`{"action":"checkpoint","sequenceNumber":${digits}}`), checkpoint(digits, null))
  assert.deepEqual(read('{"action":"checkpoint","subSequenceNumber":"7"}'), checkpoint(null, 7))
  assert.deepEqual(read('{"action":"checkpoint","subSequenceNumber":1.9}'), checkpoint(null, 1))
  assert.deepEqual(read('{"action":"status","responseFor":5}'), status('5'))
})

test('does not look at what follows the message on its line', () => {
  assert.deepEqual(read('{"action":"status","responseFor":"initialize"} trailing'), status('initialize'))
  assert.deepEqual(read('{"action":"checkpoint","sequenceNumber":"}\\""}}'), checkpoint('}"', null))
})

test('knows the blank line and the line null', () => {
  for (const line of ['', ' ', '\t']) assert.deepEqual(read(line), { kind: 'blank' })
  for (const line of ['null', ' null ', 'null rest']) assert.deepEqual(read(line), { kind: 'null' }, line)
})

test('skips what is no message, and says what it nearly was', () => {
  const why = (line: string): unknown => {
    const result = read(line)
    return result.kind === 'skipped' ? result.why : result.kind
  }
  for (const line of [
    'hello',
    'nullable',
    '5',
    '"text"',
    '[]',
    '[{"action":"status","responseFor":"initialize"}',
    '{}',
    '{"level":30,"msg":"started"}',
    '{"action":"nack"}',
    '{"action":null}',
    '{"action":"initialize","shardId":"shardId-000000000000"}',
    '{"action":"status","responseFor":"initialize"',
    "{'action':'status'}",
  ]) {
    assert.match(String(why(line)), /^(text|glued)$/, line)
  }
  assert.equal(why('progress 10%{"action":"status","responseFor":"initialize"}'), 'glued')
  assert.equal(why('{"level":30}{"action":"checkpoint"}'), 'glued')
  assert.equal(why('{"action":"status","responseFor":"initialize","at":1}'), 'extra-key')
  assert.equal(why('{"action":"checkpoint","checkpoint":"1"}'), 'extra-key')
  assert.equal(why('{"action":"checkpoint","sequenceNumber":{}}'), 'malformed')
  assert.equal(why('{"action":"checkpoint","subSequenceNumber":"one"}'), 'malformed')
  assert.equal(why('{"action":"status","responseFor":[]}'), 'malformed')
})

test('writes its lines as Jackson does', () => {
  assert.equal(
    initializeLine('shardId-000000000001', { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }),
    '{"action":"initialize","shardId":"shardId-000000000001","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}',
  )
  const record = {
    data: 'aGVsbG8=',
    partitionKey: 'k\u2028',
    sequenceNumber: '1',
    approximateArrivalTimestamp: 1795408335798,
    subSequenceNumber: 0,
  }
  assert.equal(
    processRecordsLine([record], 0),
    '{"action":"processRecords","records":[{"data":"aGVsbG8=","partitionKey":"k\u2028","sequenceNumber":"1",' +
      '"approximateArrivalTimestamp":1795408335798,"subSequenceNumber":0,"action":"record"}],"millisBehindLatest":0}',
  )
  assert.equal(
    checkpointLine({ sequenceNumber: null, subSequenceNumber: null }, null),
    '{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":null}',
  )
})
