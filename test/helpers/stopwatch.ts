const TICK = 20

/**
 * Counts the milliseconds in which this process came to its turn: while a busy machine holds the
 * event loop up, it stands still. What must be done in time, and by timers of the same process, is
 * held to its deadline without the machine having a say in it. Not for work that may block the event
 * loop itself: it would not see that.
 */
export class Stopwatch implements Disposable {
  readonly #timer: NodeJS.Timeout
  #counted = 0
  #last = performance.now()

  constructor() {
    this.#timer = setInterval(() => {
      this.#counted = this.time
      this.#last = performance.now()
    }, TICK)
    this.#timer.unref()
  }

  /** What it has counted up to now. */
  get time(): number {
    return this.#counted + Math.min(performance.now() - this.#last, TICK)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
