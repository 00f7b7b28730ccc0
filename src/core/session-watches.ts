import type { Clock } from './clock.ts'
import type { LimitedStorage } from './limited-storage.ts'
import { SessionWatch, watchable } from './session-watch.ts'

/** What the watches of a manager have in common. */
export interface WatchesTarget {
  readonly now: Clock
  readonly ttl: number
  readonly storage: LimitedStorage
  failed(error: unknown): void
}

/** All watches of a manager. */
export class SessionWatches {
  readonly #target: WatchesTarget
  readonly #watches = new Set<SessionWatch>()
  #isClosed = false

  constructor(target: WatchesTarget) {
    this.#target = target
  }

  /** Watches a session in the storage of now, whichever comes after it. Answers what ends that. */
  begin(id: string, ended: () => void): () => void {
    const { now, storage } = this.#target
    if (this.#isClosed) return () => {}
    const target = {
      now,
      storage: watchable(storage.storage),
      peek: async (idAtRest: string) => storage.peek(idAtRest, this.#target.ttl),
      failed: (error: unknown) => this.#target.failed(error),
      over: (watch: SessionWatch) => void this.#watches.delete(watch),
    }
    const watch = new SessionWatch(target, id, ended)
    this.#watches.add(watch)
    return () => watch.stop()
  }

  /** Ends all of them, and tells nobody. */
  close(): void {
    this.#isClosed = true
    for (const watch of this.#watches) watch.stop()
  }
}
