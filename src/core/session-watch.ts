import type { Awaitable, Loaded } from './atomic-storage.ts'
import { runLater } from './clock.ts'

/** A storage that can tell when it is worth to look at a session again. */
export interface WatchableStorage {
  /**
   * Calls `look` as soon as the session may have ended: whenever it was removed or moved, by any
   * process. A call too many does no harm, and one that gets lost is made up for: the session is
   * looked at now and then all the same.
   *
   * @returns what ends it
   */
  watch(id: string, look: () => void): () => void
}

/** What a watch asks of its manager. */
export interface WatchTarget {
  now(): number
  /** The session as it is stored. To look at it does not count as a use. */
  load(id: string): Awaitable<Loaded | undefined>
  /** Absent when the storage cannot tell. */
  readonly storage: WatchableStorage | undefined
  failed(error: unknown): void
}

/** How often a session is looked at when its storage tells nothing, and when it does. */
const INTERVAL = 5_000
const INTERVAL_WHEN_TOLD = 30_000

/**
 * Looks after one session until it ends. What the storage tells is only a hint when to look: the
 * session has ended when the storage does not find it. A storage that is down has ended nothing.
 */
export class SessionWatch {
  readonly #target: WatchTarget
  readonly #id: string
  readonly #ended: () => void
  readonly #stopTelling: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #looks = false
  /** Somebody asked to look while that was under way: what is found may be older. */
  #looksAgain = false

  constructor(target: WatchTarget, id: string, ended: () => void) {
    this.#target = target
    this.#id = id
    this.#ended = ended
    this.#stopTelling = target.storage?.watch(id, () => void this.#look())
    void this.#look()
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#stopTelling?.()
  }

  async #look(): Promise<void> {
    if (this.#looks) {
      this.#looksAgain = true
      return
    }
    this.#looks = true
    clearTimeout(this.#timer)
    do {
      this.#looksAgain = false
      await this.#lookOnce()
    } while (this.#looksAgain && !this.#isOver)
    this.#looks = false
  }

  async #lookOnce(): Promise<void> {
    let loaded: Loaded | undefined
    try {
      loaded = await this.#target.load(this.#id)
    } catch (error) {
      if (this.#isOver) return
      this.#lookLater(undefined)
      this.#target.failed(error)
      return
    }
    if (this.#isOver) return
    if (loaded !== undefined) {
      this.#lookLater(loaded.expiresAt)
      return
    }
    this.stop()
    this.#ended()
  }

  #lookLater(expiresAt: number | undefined): void {
    const interval = this.#target.storage === undefined ? INTERVAL : INTERVAL_WHEN_TOLD
    // A session lives through the very millisecond of its end.
    const left = (expiresAt ?? Number.POSITIVE_INFINITY) - this.#target.now() + 1
    clearTimeout(this.#timer)
    this.#timer = runLater(() => void this.#look(), Math.min(interval, Math.max(left, 0)))
  }
}

/** The storage as one that can be watched, if it can. */
export function watchable(storage: object): WatchableStorage | undefined {
  const offered: Partial<WatchableStorage> = storage
  return typeof offered.watch === 'function' ? (storage as WatchableStorage) : undefined
}
