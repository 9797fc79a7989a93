// Buffers across batches and writes in bulk. Only what was written may be stored, so nothing but the flush stores a
// position: manual(), and a flush at the end of the shard and before a shutdown.
import { KclSession, manual, type Position } from 'kcl-session'

const LIMIT = 500
let buffer: string[] = []

async function flush(store: () => Promise<boolean>): Promise<void> {
  if (buffer.length > 0) console.log(`wrote ${buffer.length} records`) // Stands for a bulk insert.
  buffer = []
  await store()
}

const session = new KclSession({
  policy: manual(),
  onShardEnded: (context) => flush(() => context.checkpoint()),
  onShutdownRequested: (context) => flush(() => context.checkpoint()),
})

for await (const batch of session.batches()) {
  for await (const record of batch) {
    buffer.push(record.text())
    const here: Position = record
    if (buffer.length >= LIMIT) await flush(() => batch.checkpoint(here))
  }
}
