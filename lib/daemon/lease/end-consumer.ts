// The end of a consumer: of its input, then of its process, then of its pipes. Each has its time; whatever is left
// after that is killed, with everything that it started.

import type { ConsumerExit, Endable } from '../../children/consumer.ts'
import type { Clock } from '../../time.ts'
import type { FindingKind } from '../conversation/findings.ts'
import { within } from './waiting.ts'

/** Told what a consumer does wrong at its end: the kind of finding, what came, and what was expected. */
export type EndReport = (kind: FindingKind, came: string, expected: string) => void

/** Ends a consumer; resolves when it is gone. `grace`: the time for its process, and again for its pipes, in ms. */
export async function endConsumer(
  consumer: Endable,
  clock: Clock,
  grace: number,
  report: EndReport = () => {},
): Promise<void> {
  consumer.endInput()
  const exit = await within(clock, grace, consumer.exited)
  const closed = exit === null ? null : await within(clock, grace, consumer.closed)
  const seconds = `${grace / 1000} s`
  if (exit === null) report('no-end', `it is still there ${seconds} after the end of its input`, 'to end')
  else if (exit.code !== 0) report('exit-code', howItEnded(exit), 'to exit with code 0')
  if (exit !== null && closed === null) {
    report('pipe-held', `it has ended, but ${seconds} later its pipes are still open`, 'closed pipes')
  }
  if (closed === null) {
    consumer.kill('SIGKILL')
    await within(clock, KILL_TIME, consumer.closed)
  }
  consumer.release()
}

/** How a process ended, in words. */
export function howItEnded(exit: ConsumerExit): string {
  if (exit.how !== undefined) return exit.how
  return exit.signal === null ? `it exited with code ${exit.code}` : `it was killed by ${exit.signal}`
}

/** How long a consumer may take to end after the end of its input, at most, in milliseconds. */
export const END_TIME = 10_000
// How long the end of a killed process may take to be known, in milliseconds.
const KILL_TIME = 1000
