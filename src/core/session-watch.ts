import type { Awaitable, Loaded } from './atomic-storage.ts'
import { runLater, stopTimer } from './clock.ts'
import { hasCode } from './errors.ts'

/** A storage that can tell when it is worth to look at a session again. */
export interface WatchableStorage {
  /**
   * Calls `look` as soon as the session may have ended: whenever it was removed or moved, by any
   * process. A call too many does no harm, and one that gets lost is made up for: the session is
   * looked at now and then all the same, and when its time is over. When this throws, that is reported,
   * and the session is looked at as if the storage could not tell.
   *
   * @returns what ends it
   */
  watch(id: string, look: () => void): () => void

  /**
   * Whether there is such a session, and when it expires: what a watch asks. Without it the session
   * is read. To look does not count as a use.
   */
  peek?(id: string, ttl: number): Awaitable<Pick<Loaded, 'expiresAt'> | undefined>
}

/** What a watch asks of its manager. */
export interface WatchTarget {
  now(): number
  /** Whether the session is there, and when it expires. To look at it does not count as a use. */
  peek(id: string): Promise<Pick<Loaded, 'expiresAt'> | undefined>
  /** Absent when the storage cannot tell. */
  readonly storage: WatchableStorage | undefined
  failed(error: unknown): void
  /** The watch has ended, one way or the other. */
  over(watch: SessionWatch): void
}

/** How often a session is looked at when its storage tells nothing or has failed, and when it tells. */
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
  /** Undefined when the storage tells nothing. */
  readonly #stopTelling: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #looks = false
  /** Somebody asked to look while that was under way: what is found may be older. */
  #looksAgain = false
  /** The last look has failed, and that was reported. */
  #isFailing = false

  constructor(target: WatchTarget, id: string, ended: () => void) {
    this.#target = target
    this.#id = id
    this.#ended = ended
    this.#stopTelling = this.#beTold()
    void this.#look()
  }

  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    stopTimer(this.#timer)
    this.#target.over(this)
    try {
      this.#stopTelling?.()
    } catch (error) {
      // Whoever stops a watch is an event listener, and cannot help it.
      this.#target.failed(error)
    }
  }

  /** A storage that fails at it tells nothing. The first look says whether it is down. */
  #beTold(): (() => void) | undefined {
    try {
      return this.#target.storage?.watch(this.#id, () => void this.#look())
    } catch (error) {
      this.#target.failed(error)
      this.#isFailing = true
      return undefined
    }
  }

  async #look(): Promise<void> {
    if (this.#isOver) return
    if (this.#looks) {
      this.#looksAgain = true
      return
    }
    this.#looks = true
    stopTimer(this.#timer)
    do {
      this.#looksAgain = false
      await this.#lookOnce()
    } while (this.#looksAgain && !this.#isOver)
    this.#looks = false
  }

  async #lookOnce(): Promise<void> {
    let found: Pick<Loaded, 'expiresAt'> | undefined
    try {
      found = await this.#target.peek(this.#id)
    } catch (error) {
      if (!this.#isOver) this.#fail(error)
      return
    }
    if (this.#isOver) return
    this.#isFailing = false
    if (found !== undefined) {
      const interval = this.#stopTelling === undefined ? INTERVAL : INTERVAL_WHEN_TOLD
      this.#lookLater(interval, found.expiresAt)
      return
    }
    this.stop()
    this.#ended()
  }

  /** Reports the first failure of several. From a closed storage nothing is to be heard any more. */
  #fail(error: unknown): void {
    if (!this.#isFailing) this.#target.failed(error)
    this.#isFailing = true
    if (hasCode(error, 'ERR_CLOSED')) this.stop()
    else this.#lookLater(INTERVAL)
  }

  #lookLater(interval: number, expiresAt = Number.POSITIVE_INFINITY): void {
    // A session lives through the very millisecond of its end.
    const left = expiresAt - this.#target.now() + 1
    stopTimer(this.#timer)
    this.#timer = runLater(() => void this.#look(), Math.min(interval, Math.max(left, 0)))
  }
}

/** The storage as one that can be watched, if it can. */
export function watchable(storage: object): WatchableStorage | undefined {
  const offered: Partial<WatchableStorage> = storage
  return typeof offered.watch === 'function' ? (storage as WatchableStorage) : undefined
}
