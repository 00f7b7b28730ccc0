import type { Awaitable } from './atomic-storage.ts'
import { runLater, stopTimer } from './clock.ts'

/** Milliseconds between two tries, before the ttl's tenth limits it, where no interval is given. */
const RETRY_INTERVAL = 10_000

/** What the queue asks of its manager. All are read anew each time: they may change. */
export interface RefreshTarget {
  readonly ttl: number
  now(): number
  /** The longest time between two flushes, before the ttl's tenth limits it; 0 to gather nothing. */
  readonly refreshInterval: number
  refresh(accessedAt: ReadonlyMap<string, number>): Awaitable<void>
  failed(error: unknown): void
}

/**
 * Gathers which sessions were used, and slides their ttl in batches: at most one write a session
 * and interval, and never so late that a session in use could expire meanwhile.
 */
export class RefreshQueue {
  readonly #target: RefreshTarget
  #accessedAt = new Map<string, number>()
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(target: RefreshTarget) {
    this.#target = target
  }

  /**
   * Notes that a session was used now. One that would expire before the next flush is done with is
   * refreshed at once: the promise then says when that was tried. It never rejects, since whoever
   * reads has the data already.
   */
  add(id: string, expiresAt: number | undefined): Awaitable<void> {
    const { ttl } = this.#target
    const now = this.#target.now()
    const interval = this.#interval
    if (expiresAt !== undefined) {
      const ahead = expiresAt - now - ttl
      // Further ahead than that, it is the end of a longer ttl, which the manager had before.
      if (ahead >= 0 && ahead <= interval) return undefined
      if (expiresAt < now + 2 * interval) return this.#track(this.#refreshNow(id, now))
    }
    if (interval === 0) return this.#track(this.#refreshNow(id, now))
    this.#accessedAt.set(id, now)
    this.#flushLater()
    return undefined
  }

  /** Drops what is noted of a session: it was written, which slides its ttl too, or removed. */
  forget(id: string): void {
    if (this.#accessedAt.size > 0) this.#accessedAt.delete(id)
  }

  /**
   * Writes what has gathered, once what is under way is done. What could not be written is tried again
   * after the next interval.
   */
  async flush(): Promise<void> {
    try {
      await this.close()
    } catch (error) {
      this.#flushLater()
      throw error
    }
  }

  /** The same where nobody waits for it: a failure is reported. */
  async flushInBackground(): Promise<void> {
    try {
      await this.#flushGathered()
    } catch (error) {
      this.#flushLater()
      this.#target.failed(error)
    }
  }

  /** The same for the end: nothing is tried again. */
  async close(): Promise<void> {
    // Another one may begin meanwhile.
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await this.#flushGathered()
  }

  async #flushGathered(): Promise<void> {
    stopTimer(this.#timer)
    this.#timer = undefined
    const accessedAt = this.#accessedAt
    if (accessedAt.size === 0) return
    this.#accessedAt = new Map()
    await this.#track(this.#write(accessedAt))
  }

  async #write(accessedAt: ReadonlyMap<string, number>): Promise<void> {
    try {
      await this.#target.refresh(accessedAt)
    } catch (error) {
      // However long the storage is down, no more is kept than the sessions that may still live.
      const oldest = this.#target.now() - this.#target.ttl
      const alive = [...accessedAt].filter(([, time]) => time >= oldest)
      this.#accessedAt = new Map([...alive, ...this.#accessedAt])
      throw error
    }
  }

  /** A failure is reported, and the next flush tries again. */
  async #refreshNow(id: string, now: number): Promise<void> {
    try {
      await this.#target.refresh(new Map([[id, now]]))
    } catch (error) {
      // What was noted meanwhile is a later use.
      if (!this.#accessedAt.has(id)) this.#accessedAt.set(id, now)
      this.#flushLater()
      this.#target.failed(error)
    }
  }

  #track(work: Promise<void>): Promise<void> {
    this.#underWay.add(work)
    const done = () => this.#underWay.delete(work)
    work.then(done, done)
    return work
  }

  /** Where nothing is gathered, only what failed is written later: not at once, to fail again. */
  #flushLater(): void {
    const wait = this.#interval || this.#atMost(RETRY_INTERVAL)
    this.#timer ??= runLater(() => void this.flushInBackground(), wait)
  }

  get #interval(): number {
    return this.#atMost(this.#target.refreshInterval)
  }

  #atMost(interval: number): number {
    return Math.min(interval, Math.ceil(this.#target.ttl / 10))
  }
}
