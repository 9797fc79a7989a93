// Counts that only ever rise: those of a consumer begin at nothing, and are carried over to the one that follows it.
// Pure.

import { emptyHistogram, type HistogramName, type Snapshot } from '../report/snapshot.ts'

/** What was counted, over one consumer or many. */
export type Totals = Pick<Snapshot, 'counts' | 'histograms'>

export const NOTHING: Totals = {
  counts: {
    batches: 0,
    empty: 0,
    records: 0,
    bytes: 0,
    skipped: 0,
    retried: 0,
    checkpoints: 0,
    retries: 0,
    refusals: {},
  },
  histograms: {
    batch: emptyHistogram('batch'),
    checkpoint: emptyHistogram('checkpoint'),
    latency: emptyHistogram('latency'),
  },
}

/** Both together. */
export function plus(one: Totals, other: Totals): Totals {
  const [a, b] = [one.counts, other.counts]
  const names = new Set([...Object.keys(a.refusals), ...Object.keys(b.refusals)])
  const sum = (name: HistogramName): number[] =>
    one.histograms[name].map((value, at) => value + (other.histograms[name][at] ?? 0))
  return {
    counts: {
      batches: a.batches + b.batches,
      empty: a.empty + b.empty,
      records: a.records + b.records,
      bytes: a.bytes + b.bytes,
      skipped: a.skipped + b.skipped,
      retried: a.retried + b.retried,
      checkpoints: a.checkpoints + b.checkpoints,
      retries: a.retries + b.retries,
      refusals: Object.fromEntries(
        [...names].map((name) => [name, (a.refusals[name] ?? 0) + (b.refusals[name] ?? 0)]),
      ),
    },
    histograms: { batch: sum('batch'), checkpoint: sum('checkpoint'), latency: sum('latency') },
  }
}
