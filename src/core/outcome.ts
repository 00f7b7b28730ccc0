/**
 * What a change comes to: a promise that knows whether anybody waits for it. When nobody does, its
 * failure does not end the process.
 */
export class Outcome<T> extends Promise<T> {
  #isHeard = false

  /** What is derived from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** @param succeeded - one of these is called before anybody who waits */
  constructor(
    work: Promise<T>,
    succeeded?: () => void,
    failed?: (error: unknown, outcome: Outcome<T>) => void,
  ) {
    let resolve = (_value: T): void => undefined
    let reject = (_error: unknown): void => undefined
    super((resolveThis, rejectThis) => {
      resolve = resolveThis
      reject = rejectThis
    })
    work.then(
      value => {
        succeeded?.()
        resolve(value)
      },
      error => {
        ignoreFailure(this)
        failed?.(error, this)
        reject(error)
      },
    )
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

/** Lets Node take a promise for waited for. */
export function ignoreFailure(promise: Promise<unknown>): void {
  Promise.prototype.then.call(promise, undefined, () => undefined)
}
