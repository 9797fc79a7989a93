// Makes a mistake on purpose, the one that its argument names, so that one can see what is said about it.
import { setTimeout } from 'node:timers/promises'
import { KclSession, type RecordBatch } from 'kcl-session'

const session = new KclSession()
const mistakes: Record<string, () => Promise<void>> = {
  // The body does not wait for its work.
  async 'no-await'() {
    for await (const batch of session.batches()) void takeAll(batch)
  },
  // The inner loop is left, and the outer one goes on as if all were done.
  async 'early-break'() {
    for await (const batch of session.batches()) for await (const _ of batch) break
  },
  // Two loops over one shard.
  async 'two-loops'() {
    await Promise.all([takeEvery(), takeEvery()])
  },
  // The program ends before a loop has begun.
  async 'no-loop'() {},
}
await mistakes[process.argv[2] ?? 'no-await']?.()

async function takeEvery(): Promise<void> {
  for await (const batch of session.batches()) await takeAll(batch)
}

async function takeAll(batch: RecordBatch): Promise<void> {
  await setTimeout(10)
  for await (const record of batch) record.json()
}
