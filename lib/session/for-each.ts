// The record-handler style: a handler per record, over the same loop and the same promise. A handler that fails is tried
// again as told; what then still fails stops the loop, and the batch stays unacknowledged.

import type { BatchOwner, RecordBatch } from './batch.ts'
import { Crew } from './crew.ts'
import type { Work } from './work.ts'

/** Works on one batch, as `batch.forEach` does. */
export async function handleBatch(owner: BatchOwner, batch: RecordBatch, work: Work): Promise<void> {
  await handle(owner, new Crew(owner, work), batch)
}

/** Works on one batch after the other, until there is none. */
export async function handleBatches(
  owner: BatchOwner,
  batches: AsyncIterableIterator<RecordBatch>,
  work: Work,
): Promise<void> {
  // A failure of one that is at work does not wait for the next batch to come.
  const crew = new Crew(owner, work, () => void (work.overlaps && batches.return?.()))
  try {
    while (await handleNext(owner, crew, batches)) {}
  } catch (error) {
    await crew.stopped(error)
    throw error
  }
  try {
    await crew.settled()
  } catch (error) {
    await storeBeforeStop(owner)
    throw error
  }
}

// A function of its own: a loop would hold the last batch, with its records, until the next has come.
async function handleNext(
  owner: BatchOwner,
  crew: Crew,
  batches: AsyncIterableIterator<RecordBatch>,
): Promise<boolean> {
  const { done, value } = await batches.next()
  if (done) return false
  try {
    const work = handle(owner, crew, value)
    if (work !== null) await work
    return true
  } catch (error) {
    await batches.return?.()
    throw error
  }
}

// Null where there is nothing to wait for: a promise for each batch would be felt where batches are small.
function handle(owner: BatchOwner, crew: Crew, batch: RecordBatch): Promise<void> | null {
  batch.beginHandlers()
  try {
    const work = crew.handle(batch)
    if (work !== null) return settled(owner, batch, work)
  } catch (error) {
    return settled(owner, batch, Promise.reject(error))
  }
  batch.endHandlers()
  return null
}

async function settled(owner: BatchOwner, batch: RecordBatch, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    await storeBeforeStop(owner)
    throw error
  } finally {
    batch.endHandlers()
  }
}

// What is finished is stored before an error goes up, which matters more than one of this checkpoint: without it more
// records come again.
async function storeBeforeStop({ policy, checkpointing, log }: BatchOwner): Promise<void> {
  if (policy.atShutdown === false) return
  try {
    await checkpointing.storeFinished()
  } catch (error) {
    log.warn('What was finished before the stop could not be stored; it will be delivered again', { error })
  }
}
