import { monotonicTime, nextTurn, runLater, stopTimer } from '../core/clock.ts'
import { SessionListeners } from './session-listeners.ts'

/** How often the files are looked at, in milliseconds. */
const INTERVAL = 1000
/** How long that takes before other work gets a turn. */
const SLICE = 2

/**
 * Tells when the files of watched sessions are gone, whichever process removed them. One timer for all
 * of them, and none while there are none.
 */
export class FileWatch {
  readonly #exists: (id: string) => boolean
  readonly #listeners = new SessionListeners()
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isClosed = false

  /** @param exists - whether there is a file; throws when that cannot be told */
  constructor(exists: (id: string) => boolean) {
    this.#exists = exists
  }

  add(id: string, look: () => void): () => void {
    const stop = this.#listeners.add(id, look)
    this.#schedule()
    return () => {
      stop()
      if (this.#listeners.size > 0) return
      stopTimer(this.#timer)
      this.#timer = undefined
    }
  }

  /** The file of a session is gone: this process removed it. */
  tell(id: string): void {
    if (this.#listeners.size > 0) this.#listeners.tell(id)
  }

  close(): void {
    this.#isClosed = true
    stopTimer(this.#timer)
    this.#listeners.clear()
  }

  #schedule(): void {
    if (this.#isClosed || this.#isLooking || this.#listeners.size === 0) return
    this.#timer ??= runLater(() => void this.#lookAtAll(), INTERVAL)
  }

  async #lookAtAll(): Promise<void> {
    this.#timer = undefined
    this.#isLooking = true
    let sliceEnd = monotonicTime() + SLICE
    for (const id of [...this.#listeners.ids]) {
      if (this.#isGone(id)) this.#listeners.tell(id)
      if (monotonicTime() < sliceEnd) continue
      await nextTurn()
      if (this.#isClosed) return
      sliceEnd = monotonicTime() + SLICE
    }
    this.#isLooking = false
    this.#schedule()
  }

  /** What cannot be told is left to the watch, which looks by itself now and then, and reports it. */
  #isGone(id: string): boolean {
    try {
      return !this.#exists(id)
    } catch {
      return false
    }
  }
}
