import { monotonicTime, runNextTurn } from '../core/clock.ts'

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
  #underWay = 0

  /** Does some work: at once, or in a later turn when this one has lasted, or has work under way. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#begin()
    if (turn !== undefined) await turn
    this.#underWay++
    try {
      return await work()
    } finally {
      this.#underWay--
    }
  }

  #begin(): Promise<void> | undefined {
    if (this.#began === undefined) {
      this.#began = monotonicTime()
      runNextTurn(() => this.#nextTurn())
      return undefined
    }
    const isLate = monotonicTime() - this.#began > LONGEST_TURN
    if (!isLate && this.#underWay === 0 && this.#waiting.length === 0) return undefined
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** What waits has a turn of its own each. */
  #nextTurn(): void {
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.#began = undefined
      return
    }
    runNextTurn(() => this.#nextTurn())
    next()
  }
}
