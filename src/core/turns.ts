/** Runs operations one after another, each when the one before has ended, however it ended. */
export class Turns {
  #last: Promise<unknown> | undefined

  /** Whether an operation is under way or waits. */
  get isBusy(): boolean {
    return this.#last !== undefined
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last === undefined ? work() : this.#last.then(work, work)
    this.#last = turn
    try {
      return await turn
    } finally {
      if (this.#last === turn) this.#last = undefined
    }
  }

  /** Resolves when nothing is under way any more. Never rejects. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last.then(ignore, ignore)
  }
}

function ignore(): void {}
