import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'

/** Time that a test can let pass. */
export interface TestTime {
  readonly clock: Clock
  /** The ttl to give to sessions that shall expire. */
  readonly ttl: number
  /** After this much of the ttl a session must still be there. */
  readonly nearlyAll: number
  /** After this much more it must be gone. */
  readonly rest: number
  /** Lets milliseconds pass. */
  pass(milliseconds: number): Promise<void>
  /** Whether so much more time passed than was asked for that the test proves nothing. */
  readonly ranAway: boolean
}

/** Time that stands still until a test moves it: every promise holds to the millisecond. */
export function movableTime(): TestTime {
  // Not at a full second, where a storage that counts in seconds would look exact.
  let now = Math.ceil(Date.now() / 1000) * 1000 + 123
  return {
    clock: () => now,
    ttl: 60_000,
    nearlyAll: 60_000,
    rest: 1,
    async pass(milliseconds) {
      now += milliseconds
    },
    ranAway: false,
  }
}

/** Real time, for storages that have a clock of their own. All takes so many times as long as it has to. */
export function realTime(slower: number): TestTime {
  const ttl = 200 * slower
  const startedAt = performance.now()
  let waited = 0
  return {
    clock: Date.now,
    ttl,
    nearlyAll: ttl / 2,
    rest: ttl * 0.7,
    async pass(milliseconds) {
      waited += milliseconds
      await sleep(milliseconds)
    },
    get ranAway() {
      return performance.now() - startedAt - waited > ttl / 4
    },
  }
}
