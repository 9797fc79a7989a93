// The soak: `npm run soak`. Twenty seeds, each with 200,000 records over 8 shards and faults of every kind, through
// consumers written with the library, in each of its styles by turns. `npm run soak -- --help` tells what there is to say.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scriptOptions, wholeNumber } from '../helpers/script-options.ts'
import { type SoakResult, STYLES, soak } from './soak-run.ts'

const HELP = `npm run soak -- [OPTIONS]

Records through dev, under faults of every kind that are drawn from a seed, each style of consumer by turns. Exit code 1 when a
record was lost or out of order, or came again after a checkpoint.

  --seeds=N         how many runs (default: 20)
  --first=SEED      the seed of the first run; the others follow (default: 1)
  --records=N       records of each run (default: 200000)
`
const { values } = scriptOptions(HELP, {
  seeds: { type: 'string', default: '20' },
  first: { type: 'string', default: '1' },
  records: { type: 'string', default: '200000' },
})
const [seeds, first, records] = [
  wholeNumber('seeds', values.seeds),
  wholeNumber('first', values.first),
  wholeNumber('records', values.records),
]
const folder = mkdtempSync(join(tmpdir(), 'kcl-session-soak-'))
const results: SoakResult[] = []
let failed = 0

for (let seed = first; seed < first + seeds; seed += 1) {
  const style = STYLES[seed % STYLES.length] ?? 'iterate'
  const result = await soak({ folder, seed, style, records, shards: 8, batch: 250 })
  const { account, consumers, restarts, shards, faults, refusals, seconds, missed, outOfOrder } = result
  const good = result.succeeded && missed === 0 && outOfOrder === 0
  results.push(result)
  console.log(
    `seed ${seed}, ${style}: ${good ? 'good' : 'BROKEN'}, ${seconds.toFixed(1)} s, ${shards} shards, ${consumers} consumers, ` +
      `${restarts} restarts, ${account?.deliveredAgain} delivered again, ${refusals} checkpoints refused, ` +
      Object.entries(faults)
        .filter(([name]) => name !== 'refuse')
        .map(([name, times]) => `${name} ${times}`)
        .join(', '),
  )
  if (good) continue
  failed += 1
  console.log(
    `missed ${missed}, out of order ${outOfOrder}, ${JSON.stringify(account)}`,
    ...result.findings,
    result.log,
  )
}
rmSync(folder, { recursive: true })

const sum = (of: (result: SoakResult) => number): string =>
  results.reduce((all, result) => all + of(result), 0).toLocaleString('en-US')
console.log(
  `\n${seeds} seeds, ${sum((one) => one.account?.records ?? 0)} records, ${sum((one) => one.consumers)} consumers, ` +
    `${sum((one) => one.restarts)} restarts, ${sum((one) => one.refusals)} refusals, ` +
    `${sum((one) => one.account?.deliveredAgain ?? 0)} delivered again; ` +
    `lost ${sum((one) => (one.account?.lost ?? 0) + one.missed)}, ` +
    `out of order ${sum((one) => (one.account?.outOfOrder ?? 0) + one.outOfOrder)}, ` +
    `again after a checkpoint ${sum((one) => one.account?.afterCheckpoint ?? 0)}, ` +
    `in ${sum((one) => Math.round(one.seconds))} s`,
)
process.exitCode = failed === 0 ? 0 : 1
