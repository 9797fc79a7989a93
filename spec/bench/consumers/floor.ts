// The floor: the least that any client has to do, without a check, a promise or a checkpoint.

import { count } from './tally.ts'

interface Line {
  readonly action: string
  readonly records?: readonly { readonly data: string }[]
}

let half = ''

process.stdin.setEncoding('utf8').on('data', (text: string) => {
  const lines = text.split('\n')
  lines[0] = half + lines[0]
  half = lines.pop() ?? ''
  for (const line of lines) {
    const { action, records = [] } = JSON.parse(line) as Line
    for (const { data } of records) count(Buffer.from(data, 'base64'))
    process.stdout.write(`\n{"action":"status","responseFor":"${action}"}\n`)
  }
})
