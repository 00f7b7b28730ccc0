/**
 * What a change comes to: a promise that knows whether anybody waits for it. When nobody does, its
 * failure does not end the process.
 */
export class Outcome<T> extends Promise<T> {
  readonly #work: Promise<T>
  #isHeard = false
  #failure: { readonly error: unknown } | undefined
  /** What passes a failure on: whoever hears of it there has heard of it. */
  #derived: Outcome<unknown>[] | undefined

  /** What is derived by `catch`, and by those who wait, is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /**
   * @param succeeded - one of these is called before anybody who waits
   * @param source - what the work was derived from. Any other failure than that of the source is the
   * application's own
   */
  constructor(
    work: Promise<T>,
    succeeded?: () => void,
    failed?: (error: unknown, outcome: Outcome<T>) => void,
    source?: Outcome<unknown>,
  ) {
    let resolve = (_value: T): void => undefined
    let reject = (_error: unknown): void => undefined
    super((resolveThis, rejectThis) => {
      resolve = resolveThis
      reject = rejectThis
    })
    this.#work = work
    work.then(
      value => {
        succeeded?.()
        resolve(value)
      },
      error => {
        this.#failure = { error }
        if (source === undefined || source.#failure?.error === error) ignoreFailure(this)
        failed?.(error, this)
        reject(error)
      },
    )
  }

  get isHeard(): boolean {
    return this.#isHeard || (this.#derived?.some(({ isHeard }) => isHeard) ?? false)
  }

  /** Called by `await` too. Without `rejected`, the failure is passed on. */
  // biome-ignore lint/suspicious/noThenProperty: a promise is what it is
  override then<Result = T, Failure = never>(
    fulfilled?: ((value: T) => Result | PromiseLike<Result>) | null,
    rejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    if (typeof rejected !== 'function') return this.#derive(this.#work.then(fulfilled))
    this.#isHeard = true
    return super.then(fulfilled, rejected)
  }

  override finally(settled?: (() => void) | null): Promise<T> {
    return this.#derive(this.#work.finally(settled))
  }

  #derive<Result>(work: Promise<Result>): Outcome<Result> {
    const derived = new Outcome(work, undefined, undefined, this)
    this.#derived = [...(this.#derived ?? []), derived]
    return derived
  }
}

/** Lets Node take a promise for waited for. */
export function ignoreFailure(promise: Promise<unknown>): void {
  Promise.prototype.then.call(promise, undefined, () => undefined)
}
