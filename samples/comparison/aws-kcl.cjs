// A consumer on aws-kcl that does one thing wrong: node aws-kcl.cjs throw|forget|print|refused|end
const kcl = require('aws-kcl')

const wrong = process.argv[2]

kcl({
  initialize(_input, done) {
    done()
  },
  processRecords({ records, checkpointer }, done) {
    if (wrong === 'throw') throw new Error('my code throws')
    if (wrong === 'forget') return
    if (wrong === 'print') console.log('null')
    if (wrong !== 'refused' || records.length === 0) return done()
    checkpointer.checkpoint(records.at(-1).sequenceNumber, (error) => {
      if (error) console.error(`an error: ${error}`)
      done()
    })
  },
  leaseLost(_input, done) {
    done()
  },
  shardEnded({ checkpointer }, done) {
    if (wrong === 'end') done()
    else checkpointer.checkpoint(() => done())
  },
  shutdownRequested(_input, done) {
    done()
  },
}).run()
