import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Spool } from '../../../lib/daemon/kinesis/spool.ts'

test('gives back what it was given, in any order', (t) => {
  const spool = new Spool(200)
  t.after(() => spool.close())
  const records = Array.from({ length: 20 }, (_, at) => ({
    data: Buffer.from(at === 7 ? '' : `data ${at}`),
    partitionKey: `ü"\n${at}`,
    sequenceNumber: String(10n ** 50n + BigInt(at)),
    subSequenceNumber: at % 3,
    arrivedAt: 1000 + at,
  }))
  for (const [at, record] of records.entries()) assert.equal(spool.append(record), at)
  for (const at of [19, 0, 7, 8]) {
    assert.deepEqual(spool.read(at), records[at])
    const { sequenceNumber = '', subSequenceNumber = 0 } = records[at] ?? {}
    assert.deepEqual(spool.position(at), { sequenceNumber, subSequenceNumber })
  }
})

test('gives up a file when nothing in it is wanted any more', (t) => {
  const spool = new Spool(100)
  t.after(() => spool.close())
  const record = { partitionKey: 'k', sequenceNumber: '1', subSequenceNumber: 0, arrivedAt: 0 }
  // Each fills a file of its own.
  for (let at = 0; at < 5; at += 1) spool.append({ ...record, data: Buffer.alloc(200) })
  assert.equal(spool.files, 5)
  spool.release(1)
  spool.release(2)
  assert.equal(spool.files, 3)
  assert.throws(() => spool.read(1), /given up/)
  assert.equal(spool.read(0).data.length, 200)
  // The one that is written to is kept until there is another.
  spool.release(4)
  assert.equal(spool.files, 3)
  spool.append({ ...record, data: Buffer.alloc(1) })
  assert.equal(spool.files, 3)
})
