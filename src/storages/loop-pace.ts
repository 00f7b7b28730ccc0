/** How long work may hold up everything else, before what comes next waits for its turn. */
const LONGEST_TURN = 2

/**
 * Spreads work that holds up the process over turns of the event loop: when many requests write at
 * once, others are served between them. First come, first served.
 */
export class LoopPace {
  /** When the first work of this turn began; undefined while none has. */
  #began: number | undefined
  readonly #waiting: (() => void)[] = []

  /** Lets work begin: at once, or in a later turn when this one has lasted. */
  begin(): Promise<void> | undefined {
    if (this.#began === undefined) {
      this.#began = performance.now()
      setImmediate(() => this.#nextTurn())
      return undefined
    }
    const isLate = performance.now() - this.#began > LONGEST_TURN
    if (!isLate && this.#waiting.length === 0) return undefined
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** What waits has a turn of its own each. */
  #nextTurn(): void {
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.#began = undefined
      return
    }
    setImmediate(() => this.#nextTurn())
    next()
  }
}
