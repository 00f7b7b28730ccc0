import { Turns } from './turns.ts'

/** Runs the work for one key one after another, and the work for different keys side by side. */
export class KeyedQueue {
  readonly #turns = new Map<string, Turns>()

  /** Whether some work for the key is under way or waits. */
  isBusy(key: string): boolean {
    return this.#turns.has(key)
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    let turns = this.#turns.get(key)
    if (turns === undefined) {
      turns = new Turns()
      this.#turns.set(key, turns)
    }
    const turn = turns.take()
    if (turn !== undefined) await turn
    try {
      return await work()
    } finally {
      turns.give()
      if (!turns.isBusy) this.#turns.delete(key)
    }
  }
}
