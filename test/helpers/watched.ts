import type { Manager } from 'gsession'
import { vi } from 'vitest'

/** How long to wait for what is seen by looking again. */
const PATIENCE = 20_000

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
        { timeout: PATIENCE, interval: 10 },
      ),
  }
}
