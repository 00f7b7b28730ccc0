import type { Awaitable } from './atomic-storage.ts'
import { isPromise } from './thenable.ts'

/** What a change came to: a promise that knows whether anybody waits for it. */
export class Outcome<T> extends Promise<T> {
  #isHeard = false

  /** What is derived from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** That of some work. When nobody waits for it, a failure does not end the process. */
  static of<T>(work: Promise<T>): Outcome<T> {
    const outcome = new Outcome<T>((resolve, reject) => {
      work.then(resolve, reject)
    })
    ignoreFailure(outcome)
    return outcome
  }

  get isHeard(): boolean {
    return this.#isHeard
  }

  /** Called by `await` too. */
  // biome-ignore lint/suspicious/noThenProperty: a promise is what it is
  override then<Result = T, Failure = never>(
    fulfilled?: ((value: T) => Result | PromiseLike<Result>) | null,
    rejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    this.#isHeard = true
    return super.then(fulfilled, rejected)
  }
}

/** What some work answers that loses nothing when it fails: nobody need wait for it. */
export function attempt<T>(work: () => Awaitable<T>): Promise<T> {
  let answer: Promise<T>
  try {
    const result = work()
    if (!isPromise(result)) return Promise.resolve(result)
    answer = result
  } catch (error) {
    answer = Promise.reject(error)
  }
  ignoreFailure(answer)
  return answer
}

function ignoreFailure(promise: Promise<unknown>): void {
  Promise.prototype.then.call(promise, undefined, () => undefined)
}
