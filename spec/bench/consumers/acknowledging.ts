// The least that a child of the daemon can do: it reads each line and says that it is done, and of all that stands there
// it looks at the name of the action and the last record alone. The daemon sends nothing more before that.

import { done } from './done.ts'

const ENDS = 400

let head = ''
let tail = ''

process.stdin.setEncoding('latin1').on('data', (text: string) => {
  if (head.length < ENDS) head += text.slice(0, ENDS)
  tail = (tail + text.slice(-ENDS)).slice(-ENDS)
  if (!tail.endsWith('\n')) return
  const action = /"action":"(\w+)"/.exec(head)?.[1]
  if (action === 'processRecords') done(tail.includes('"partitionKey":"last"'))
  process.stdout.write(`\n{"action":"status","responseFor":"${action}"}\n`)
  head = ''
  tail = ''
})
