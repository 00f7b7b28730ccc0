/** Lets operations run one after another: each has the turn from `take` to `give`. */
export class Turns {
  #isTaken = false
  /** What wakes those who wait, the first one first. */
  #waiting: (() => void)[] | undefined
  /** What wakes those who wait until nobody waits. */
  #watching: (() => void)[] | undefined

  /** Whether an operation is under way or waits. */
  get isBusy(): boolean {
    return this.#isTaken
  }

  /** Takes the turn: at once if nobody has it, else when the promise resolves. It must be given back. */
  take(): Promise<void> | undefined {
    if (this.#isTaken) {
      return new Promise(resolve => {
        this.#waiting ??= []
        this.#waiting.push(resolve)
      })
    }
    this.#isTaken = true
    return undefined
  }

  /** Gives the turn to the next one. */
  give(): void {
    const next = this.#waiting?.shift()
    if (next !== undefined) next()
    else {
      this.#isTaken = false
      for (const wake of this.#watching?.splice(0) ?? []) wake()
    }
  }

  /** Resolves when nothing is under way any more. Never rejects. */
  async idle(): Promise<void> {
    while (this.#isTaken) {
      await new Promise<void>(resolve => {
        this.#watching ??= []
        this.#watching.push(resolve)
      })
    }
  }
}
