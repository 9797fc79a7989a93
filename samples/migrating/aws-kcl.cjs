// The old program, on aws-kcl: it counts strong earthquakes, stores a position after each batch, and the end of the shard.
const kcl = require('aws-kcl')

let strong = 0

kcl({
  initialize(_input, done) {
    done()
  },
  processRecords({ records, checkpointer }, done) {
    for (const record of records) {
      const { magnitude } = JSON.parse(Buffer.from(record.data, 'base64').toString())
      if (magnitude !== null && magnitude >= 4.5) strong += 1
    }
    if (records.length === 0) return done()
    checkpointer.checkpoint(records.at(-1).sequenceNumber, () => done())
  },
  leaseLost(_input, done) {
    done()
  },
  shardEnded({ checkpointer }, done) {
    console.error(`strong: ${strong}`)
    checkpointer.checkpoint(() => done())
  },
  shutdownRequested({ checkpointer }, done) {
    checkpointer.checkpoint(() => done())
  },
}).run()
