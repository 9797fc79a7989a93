import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Checkpointer } from '../../lib/checkpoint/checkpointer.ts'
import { SHARD_END, type Target } from '../../lib/checkpoint/target.ts'
import { ChannelClosedError, CheckpointError } from '../../lib/errors.ts'
import type { Position } from '../../lib/protocol/messages.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

describe('an automatic checkpoint', () => {
  test('is sent at once where the conversation allows it, and one is in flight at a time', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.checkpointer.automatic(at(2))
    assert.deepEqual(desk.sent, [at(1)])
  })

  test('that waits behind another is the newest one: those in between are never sent', () => {
    const desk = new Desk()
    for (const number of [1, 2, 5, 3]) desk.checkpointer.automatic(at(number))
    desk.answer(null)
    assert.deepEqual(desk.sent, [at(1), at(5)])
    desk.answer(null)
    assert.deepEqual(desk.sent, [at(1), at(5)])
    assert.deepEqual(desk.checkpointer.stored, at(5))
  })

  test('at or below what is stored, or on the wire, is not sent', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(5))
    desk.checkpointer.automatic(at(5))
    desk.checkpointer.automatic(at(3))
    desk.answer(null)
    desk.checkpointer.automatic(at(4))
    desk.checkpointer.automatic(at(5))
    assert.deepEqual(desk.sent, [at(5)])
  })

  test('at or below where the daemon said that this shard starts is not sent', () => {
    const desk = new Desk()
    desk.checkpointer.startAt(at(7, 2))
    desk.checkpointer.automatic(at(7, 2))
    desk.checkpointer.automatic(at(7, 1))
    desk.checkpointer.automatic(at(7, 3))
    assert.deepEqual(desk.sent, [at(7, 3)])
  })

  test('is tried again while the tables are busy, and then given up with a log line', () => {
    const desk = new Desk({ attempts: 3 })
    desk.checkpointer.automatic(at(1))
    for (const exception of ['ThrottlingException', 'RuntimeException']) {
      desk.answer(exception)
      desk.clock.advance(MAX_DELAY)
    }
    assert.deepEqual(desk.sent, [at(1), at(1), at(1)])
    assert.equal(desk.retries, 2)
    desk.answer('ThrottlingException')
    assert.equal(desk.gaveUp.length, 1)
    assert.deepEqual(
      [desk.gaveUp[0]?.exception, desk.gaveUp[0]?.retryable, desk.gaveUp[0]?.position],
      ['ThrottlingException', true, at(1)],
    )
    assert.match(desk.gaveUp[0]?.message ?? '', /position 1 with ThrottlingException: after 3 tries/)
    assert.deepEqual(desk.failed, [at(1)])
  })

  for (const exception of ['InvalidStateException', 'IllegalArgumentException', 'NullPointerException']) {
    test(`that is refused with ${exception} is not tried again`, () => {
      const desk = new Desk()
      desk.checkpointer.automatic(at(1))
      desk.answer(exception)
      desk.clock.advance(MAX_DELAY)
      assert.deepEqual(desk.sent, [at(1)])
      assert.deepEqual([desk.gaveUp[0]?.exception, desk.gaveUp[0]?.retryable], [exception, false])
    })
  }

  test('that failed for good rests for the longest delay', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('InvalidStateException')
    desk.clock.advance(MAX_DELAY - 1)
    assert.equal(desk.checkpointer.rests(desk.clock.now()), true)
    desk.clock.advance(1)
    assert.equal(desk.checkpointer.rests(desk.clock.now()), false)
  })

  test('that failed takes the one that waited behind it along, and both are put back', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.checkpointer.automatic(at(2))
    desk.answer('InvalidStateException')
    assert.deepEqual(desk.sent, [at(1)])
    assert.deepEqual(desk.failed, [at(1), at(2)])
  })

  test('between two tries goes on with the newest position', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    desk.checkpointer.automatic(at(4))
    desk.checkpointer.automatic(at(3))
    desk.clock.advance(MAX_DELAY)
    assert.deepEqual(desk.sent, [at(1), at(4)])
  })

  test('does not keep the process for another try', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    assert.deepEqual(desk.clock.unrefs, [true])
  })
})

describe('an explicit checkpoint', () => {
  test('resolves to true when it is stored', async () => {
    const desk = new Desk()
    const stored = desk.checkpointer.explicit(at(1))
    assert.equal(desk.checkpointer.hasWaiters, true)
    desk.answer(null)
    assert.equal(await stored, true)
    assert.equal(desk.checkpointer.hasWaiters, false)
    assert.deepEqual(desk.checkpointer.stored, at(1))
  })

  test('at or below what is stored is true, and nothing is sent', async () => {
    const desk = new Desk()
    desk.checkpointer.startAt(at(5))
    assert.equal(await desk.checkpointer.explicit(at(5)), true)
    assert.equal(await desk.checkpointer.explicit(at(4)), true)
    assert.deepEqual(desk.sent, [])
  })

  test('rides along with a higher one that is on the wire', async () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(5))
    const lower = desk.checkpointer.explicit(at(3))
    desk.answer(null)
    assert.equal(await lower, true)
    assert.deepEqual(desk.sent, [at(5)])
  })

  test('above the one on the wire waits for its answer, and several become one', async () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    const both = Promise.all([desk.checkpointer.explicit(at(3)), desk.checkpointer.explicit(at(2))])
    desk.answer(null)
    assert.deepEqual(desk.sent, [at(1), at(3)])
    desk.answer(null)
    assert.deepEqual(await both, [true, true])
  })

  test('is tried again while the tables are busy, and rejects when all tries are used up', async () => {
    const desk = new Desk({ attempts: 2 })
    const stored = desk.checkpointer.explicit(at(1))
    desk.answer('ThrottlingException')
    desk.clock.advance(MAX_DELAY)
    desk.answer('ThrottlingException')
    await assert.rejects(stored, (error) => {
      assert.ok(error instanceof CheckpointError)
      assert.deepEqual(
        [error.exception, error.retryable, error.position],
        ['ThrottlingException', true, at(1)],
      )
      return true
    })
    assert.equal(desk.gaveUp.length, 0)
    assert.equal(desk.checkpointer.rests(desk.clock.now()), false)
    assert.deepEqual(desk.failed, [at(1)])
  })

  test('rejects at once when it is refused for good, and the next one is tried all the same', async () => {
    const desk = new Desk()
    const first = assert.rejects(desk.checkpointer.explicit(at(1)), { exception: 'IllegalArgumentException' })
    const second = desk.checkpointer.explicit(at(2))
    desk.answer('IllegalArgumentException')
    await first
    desk.answer(null)
    assert.equal(await second, true)
  })

  test("cuts an automatic one's backoff short, and has all its tries before it", async () => {
    const desk = new Desk({ attempts: 2 })
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    const stored = desk.checkpointer.explicit(at(1))
    assert.deepEqual(desk.sent, [at(1), at(1)])
    assert.equal(desk.clock.pending, 0)
    desk.answer('ThrottlingException')
    desk.clock.advance(MAX_DELAY)
    desk.answer(null)
    assert.equal(await stored, true)
  })

  test('has all its tries before it, even when it joins the last try of an automatic one', async () => {
    const desk = new Desk({ attempts: 2 })
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    desk.clock.advance(MAX_DELAY)
    const stored = desk.checkpointer.explicit(at(1))
    desk.answer('ThrottlingException')
    desk.clock.advance(MAX_DELAY)
    desk.answer(null)
    assert.equal(await stored, true)
    assert.deepEqual(desk.gaveUp, [])
  })

  test('is tried while automatic ones rest', async () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('InvalidStateException')
    const stored = desk.checkpointer.explicit(at(1))
    desk.answer(null)
    assert.equal(await stored, true)
  })

  test('that waits behind an automatic one is sent when that one fails for good', async () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    const stored = desk.checkpointer.explicit(at(2))
    desk.answer('InvalidStateException')
    assert.deepEqual(desk.sent, [at(1), at(2)])
    desk.answer(null)
    assert.equal(await stored, true)
  })

  test('keeps the process for another try', () => {
    const desk = new Desk()
    desk.checkpointer.explicit(at(1)).catch(() => {})
    desk.answer('ThrottlingException')
    assert.deepEqual(desk.clock.unrefs, [false])
  })
})

describe('what cannot be sent now', () => {
  test('is held until an action allows it, by its newest position', async () => {
    const desk = new Desk()
    desk.allowed = false
    const both = Promise.all([desk.checkpointer.explicit(at(1)), desk.checkpointer.explicit(at(2))])
    desk.checkpointer.resume()
    assert.deepEqual(desk.sent, [])
    desk.allowed = true
    desk.checkpointer.resume()
    assert.deepEqual(desk.sent, [at(2)])
    desk.answer(null)
    assert.deepEqual(await both, [true, true])
  })

  test('is held between two tries as well, when the time comes between two actions', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    desk.allowed = false
    desk.clock.advance(MAX_DELAY)
    assert.deepEqual(desk.sent, [at(1)])
    desk.allowed = true
    desk.checkpointer.resume()
    assert.deepEqual(desk.sent, [at(1), at(1)])
  })

  test('an action that begins does not cut a backoff short', () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    desk.answer('ThrottlingException')
    desk.checkpointer.resume()
    assert.deepEqual(desk.sent, [at(1)])
  })
})

describe('the end of the shard', () => {
  test('lies behind every position', async () => {
    const desk = new Desk()
    const position = desk.checkpointer.explicit(at(9))
    const end = desk.checkpointer.explicit(SHARD_END)
    desk.answer(null)
    desk.answer(null)
    assert.deepEqual(desk.sent, [at(9), SHARD_END])
    assert.deepEqual(await Promise.all([position, end]), [true, true])
    assert.equal(await desk.checkpointer.explicit(at(10)), true)
    assert.deepEqual(desk.sent, [at(9), SHARD_END])
  })

  test('has all its tries before it, even when it joins an explicit one that is nearly given up', async () => {
    const desk = new Desk({ attempts: 2 })
    const position = desk.checkpointer.explicit(at(9))
    desk.answer('ThrottlingException')
    const end = desk.checkpointer.explicit(SHARD_END)
    desk.clock.advance(MAX_DELAY)
    assert.deepEqual(desk.sent, [at(9), SHARD_END])
    desk.answer('ThrottlingException')
    desk.clock.advance(MAX_DELAY)
    desk.answer(null)
    assert.deepEqual(await Promise.all([position, end]), [true, true])
  })

  test('that is refused rejects without a position', async () => {
    const desk = new Desk()
    const refused = assert.rejects(desk.checkpointer.explicit(SHARD_END), (error) => {
      assert.ok(error instanceof CheckpointError)
      assert.equal(error.position, null)
      assert.match(error.message, /the end of the shard/)
      return true
    })
    desk.answer('InvalidStateException')
    await refused
  })
})

describe('when the lease is lost', () => {
  test('the loop is told before any promise settles, and all of them resolve to false', async () => {
    const desk = new Desk()
    const asked = desk.checkpointer.explicit(at(1))
    const waiting = desk.checkpointer.explicit(at(2))
    const order: string[] = []
    desk.onLeaseLost = () => order.push('told')
    const settled = Promise.all([asked, waiting]).then((results) => order.push(results.join()))
    desk.answer('ShutdownException')
    await settled
    assert.deepEqual(order, ['told', 'false,false'])
    assert.deepEqual(desk.failed, [])
  })

  test('nothing is sent any more, and what is asked for later is false, unless it is stored already', async () => {
    const desk = new Desk()
    desk.checkpointer.startAt(at(5))
    desk.checkpointer.automatic(at(6))
    desk.answer('ThrottlingException')
    desk.checkpointer.close('lease lost')
    assert.equal(desk.clock.pending, 0)
    desk.checkpointer.automatic(at(7))
    desk.checkpointer.resume()
    assert.deepEqual(desk.sent, [at(6)])
    assert.equal(await desk.checkpointer.explicit(at(8)), false)
    assert.equal(await desk.checkpointer.explicit(at(5)), true)
  })
})

describe('when the daemon is gone', () => {
  test('all promises reject with the error, and so does what is asked for later', async () => {
    const desk = new Desk()
    const gone = new ChannelClosedError('gone')
    const rejected = [desk.checkpointer.explicit(at(1)), desk.checkpointer.explicit(at(2))].map((promise) =>
      assert.rejects(promise, gone),
    )
    desk.checkpointer.close(gone)
    desk.checkpointer.close('lease lost')
    await Promise.all(rejected)
    await assert.rejects(desk.checkpointer.explicit(at(3)), gone)
    assert.equal(desk.checkpointer.hasWaiters, false)
  })
})

describe('who waits for quiet', () => {
  test('waits for the answer on the wire, and not for a backoff', async () => {
    const desk = new Desk()
    const order: string[] = []
    desk.checkpointer.automatic(at(1))
    const quiet = desk.checkpointer.quiet().then(() => order.push('quiet'))
    await Promise.resolve()
    order.push('answer')
    desk.answer('ThrottlingException')
    await quiet
    assert.deepEqual(order, ['answer', 'quiet'])
  })

  test('waits for one that went out with the answer to the one before', async () => {
    const desk = new Desk()
    let quiet = false
    desk.checkpointer.automatic(at(1))
    desk.checkpointer.automatic(at(2))
    const waiting = desk.checkpointer.quiet().then(() => {
      quiet = true
    })
    desk.answer(null)
    await Promise.resolve()
    assert.equal(quiet, false)
    desk.answer(null)
    await waiting
  })

  test('or for all to be settled, waits for every promise, through all its tries', async () => {
    const desk = new Desk()
    let settled = false
    const stored = desk.checkpointer.explicit(at(1))
    const waiting = desk.checkpointer.settled().then(() => {
      settled = true
    })
    desk.answer('ThrottlingException')
    await Promise.resolve()
    assert.equal(settled, false)
    desk.clock.advance(MAX_DELAY)
    desk.answer(null)
    await waiting
    assert.equal(await stored, true)
  })

  test('is let go when the lease is lost', async () => {
    const desk = new Desk()
    desk.checkpointer.automatic(at(1))
    const waiting = desk.checkpointer.quiet()
    desk.checkpointer.close('lease lost')
    await waiting
  })
})

/** The checkpointer, and what its loop would see of it. */
class Desk {
  readonly clock: RecordingClock = new RecordingClock()
  readonly checkpointer: Checkpointer
  readonly sent: Target[] = []
  readonly failed: Target[] = []
  readonly gaveUp: CheckpointError[] = []
  allowed = true
  retries = 0
  onLeaseLost = (): void => {}
  #onWire = false

  constructor({ attempts = 6 } = {}) {
    this.checkpointer = new Checkpointer({
      clock: this.clock,
      schedule: { attempts, initialDelay: 1000, maxDelay: MAX_DELAY },
      allowed: () => this.allowed && !this.#onWire,
      send: (target) => {
        this.sent.push(target)
        this.#onWire = true
      },
      refused: () => {},
      stored: () => {},
      failed: (target) => this.failed.push(target),
      leaseLost: () => {
        this.onLeaseLost()
        this.checkpointer.close('lease lost')
      },
      gaveUp: (error) => this.gaveUp.push(error),
      retried: () => {
        this.retries += 1
      },
      waitersChanged: () => {},
    })
  }

  answer(exception: string | null): void {
    assert.ok(this.#onWire, 'no checkpoint is on the wire')
    this.#onWire = false
    this.checkpointer.answered(exception)
  }
}

class RecordingClock extends ManualClock {
  readonly unrefs: boolean[] = []

  override after(delay: number, task: () => void, options: { unref?: boolean } = {}): () => void {
    this.unrefs.push(options.unref === true)
    return super.after(delay, task)
  }
}

function at(number: number, subSequenceNumber = 0): Position {
  return { sequenceNumber: String(number), subSequenceNumber }
}

const MAX_DELAY = 30_000
