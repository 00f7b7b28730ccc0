import type { Awaitable } from './atomic-storage.ts'
import { isPromise } from './thenable.ts'

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

  /**
   * Does some work in its turn: at once, if nothing is under way.
   *
   * @param other - waited for too
   * @param failed - called if the work failed, before the turn is given back: throws what is to be thrown
   */
  run<T>(
    work: () => Awaitable<T>,
    other: Promise<unknown> | undefined,
    failed: (error: unknown) => never,
  ): Awaitable<T> {
    const turn = this.take()
    if (turn !== undefined || other !== undefined) {
      return this.#complete(workAfter([turn, other], work), failed)
    }
    let result: Awaitable<T>
    try {
      result = work()
    } catch (error) {
      result = Promise.reject(error)
    }
    if (isPromise(result)) return this.#complete(result, failed)
    this.give()
    return result
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

  async #complete<T>(result: Promise<T>, failed: (error: unknown) => never): Promise<T> {
    try {
      return await result
    } catch (error) {
      return failed(error)
    } finally {
      this.give()
    }
  }
}

async function workAfter<T>(
  others: readonly (Promise<unknown> | undefined)[],
  work: () => Awaitable<T>,
): Promise<T> {
  for (const other of others) await other?.catch(() => undefined)
  return work()
}
