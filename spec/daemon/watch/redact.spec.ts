import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ELIDED } from '../../../lib/daemon/conversation/transcript.ts'
import { md5 } from '../../../lib/daemon/stream/md5.ts'
import { redacted } from '../../../lib/daemon/watch/redact.ts'

test('takes the values of a field out at any depth, and out of the key', () => {
  const record = of('{"mail":"a@b","n":[{"mail":{"x":1},"id":2}]}', 'a@b')
  const { data, partitionKey } = redacted(record, { elideData: false, redact: ['mail'] })
  assert.equal(
    Buffer.from(data ?? '', 'base64').toString(),
    '{"mail":"redacted","n":[{"mail":"redacted","id":2}]}',
  )
  assert.equal(partitionKey, md5('a@b'))
})

test('leaves out whole what is no JSON, and everything where that is asked for', () => {
  assert.equal(redacted(of('mail=a@b', 'k'), { elideData: false, redact: ['mail'] }).data, ELIDED)
  assert.deepEqual(redacted(of('{"mail":"a@b"}', 'a@b'), { elideData: true, redact: ['mail'] }), {
    ...of('', md5('a@b')),
    data: ELIDED,
  })
  const record = of('{"id":1}', 'k')
  assert.equal(redacted(record, { elideData: false, redact: [] }), record)
})

function of(text: string, partitionKey: string) {
  return {
    data: Buffer.from(text).toString('base64'),
    partitionKey,
    sequenceNumber: '1',
    subSequenceNumber: 0,
    approximateArrivalTimestamp: 1,
  }
}
