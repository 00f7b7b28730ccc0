import type { Manager } from 'gsession'
import { vi } from 'vitest'

/** Well below the time after which all sessions are looked at anyway, in milliseconds. */
const SOON = 25_000

/** A session that is watched, and how often it has ended. */
export interface Watched {
  readonly id: string
  readonly count: number
  stop(): void
  /** Waits until it has ended. */
  ended(): Promise<void>
}

/** Watches a session; the type of its data does not matter. */
export function watch(manager: Pick<Manager, 'watch'>, id: string): Watched {
  let count = 0
  const stop = manager.watch(id, () => {
    count++
  })
  return {
    id,
    get count() {
      return count
    },
    stop,
    ended: () =>
      vi.waitFor(
        () => {
          if (count === 0) throw new Error('The session has not ended')
        },
        { timeout: SOON, interval: 10 },
      ),
  }
}
