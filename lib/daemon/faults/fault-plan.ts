// When faults strike, and how often they did. Rule: every shard counts and throws its dice for itself, from the seed, so
// that a run can be repeated although its consumers run side by side.

import type { Shard } from '../stream/stream.ts'
import type { Fault, FaultName } from './faults.ts'
import { type Random, seeded } from './random.ts'

/** How often a fault has struck. */
export interface FaultTally {
  readonly fault: Fault
  readonly struck: number
}

/** Decides when faults strike, and keeps count. */
export class FaultPlan {
  readonly #faults: readonly Fault[]
  readonly #seed: number
  readonly #counts = new Map<string, { struck: number; random: Random }>()
  readonly #struck = new Map<Fault, number>()

  constructor(faults: readonly Fault[], seed: number) {
    this.#faults = faults
    this.#seed = seed
  }

  /** Whether there is anything to decide. */
  get isEmpty(): boolean {
    return this.#faults.length === 0
  }

  /** How often each fault has struck, over all shards. */
  get tally(): readonly FaultTally[] {
    return this.#faults.map((fault) => ({ fault, struck: this.#struck.get(fault) ?? 0 }))
  }

  /** The fault of this name that is to strike the shard now, or null. `delivered`: records of the shard so far. */
  due(name: FaultName, shard: Shard, delivered: number): Fault | null {
    for (const [at, fault] of this.#faults.entries()) {
      if (fault.name !== name || (fault.shard !== null && fault.shard !== shard.number)) continue
      if (this.#isDue(fault, at, shard, delivered)) return fault
    }
    return null
  }

  /** It has struck. */
  struck(fault: Fault): void {
    this.#struck.set(fault, (this.#struck.get(fault) ?? 0) + 1)
  }

  /** It found nothing to strike, and may come again. */
  missed(fault: Fault, shard: Shard): void {
    if (!('chance' in fault.time)) this.#count(String(this.#faults.indexOf(fault)), shard).struck -= 1
  }

  /** Dice for what is left open, such as the moment in a batch. */
  dice(name: string, shard: Shard): Random {
    return this.#count(`${name}/dice`, shard).random
  }

  #isDue(fault: Fault, at: number, shard: Shard, delivered: number): boolean {
    const count = this.#count(String(at), shard)
    const { time } = fault
    if ('chance' in time) return count.random() < time.chance
    // The children of a shard that was split by count would be split at once, and theirs, without end.
    if ((fault.name === 'split' || fault.name === 'merge') && shard.parents.length > 0) return false
    const due = 'times' in time ? count.struck < time.times : count.struck === 0 && delivered >= time.after
    if (due) count.struck += 1
    return due
  }

  #count(key: string, shard: Shard): { struck: number; random: Random } {
    const name = `${key}/${shard.number}`
    const found = this.#counts.get(name) ?? { struck: 0, random: seeded(this.#seed, name) }
    this.#counts.set(name, found)
    return found
  }
}
