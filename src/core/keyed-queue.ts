import { Turns } from './turns.ts'

/** Runs the work for one key one after another, and the work for different keys side by side. */
export class KeyedQueue {
  readonly #turns = new Map<string, Turns>()

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    let turns = this.#turns.get(key)
    if (turns === undefined) {
      turns = new Turns()
      this.#turns.set(key, turns)
    }
    try {
      return await turns.run(work)
    } finally {
      if (!turns.isBusy) this.#turns.delete(key)
    }
  }
}
