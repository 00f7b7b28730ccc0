import type { Awaitable } from './atomic-storage.ts'
import { ignoreFailure } from './outcome.ts'
import { isThenable } from './thenable.ts'
import { TimeLimit } from './time-limit.ts'

/** What a storage is handed with each call, after the arguments. */
export interface CallOptions {
  /**
   * Aborted when the manager's `timeout` is over: the caller has been told of a failure by then. Hand
   * it to your client, or look at it before each further step.
   */
  readonly signal: AbortSignal
}

/** One call of a storage, which may take no longer than the manager's `timeout`. */
export class StorageCall implements CallOptions {
  readonly #milliseconds: number
  /** Begins when the storage does not answer at once. */
  #limit: TimeLimit | undefined
  /** Few storages ask for a signal. */
  #controller: AbortController | undefined
  #isOver = false

  /** @param milliseconds - 0 for no limit */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#isOver) this.#controller.abort()
    return this.#controller.signal
  }

  /**
   * The answer of the whole call: at once if it is there, else a promise of this realm, whatever the
   * storage has in its place. The call ends with it.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when the time is over first
   */
  answer<T>(answer: Awaitable<T>): Awaitable<T> {
    if (!isThenable(answer)) return answer
    if (this.#milliseconds === 0) return Promise.resolve(answer)
    const limit = this.#begin()
    const later = Promise.resolve(answer)
    // The time may be over already, and then nobody waits for it.
    ignoreFailure(later)
    const inTime = limit.limit(() => later)
    const met = (): void => limit.met()
    inTime.then(met, met)
    return inTime
  }

  /**
   * The answer of one step of the call. None begins when the time is over.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when the time is over first
   */
  step<T>(work: () => PromiseLike<T>): Promise<T> {
    const begin = async (): Promise<T> => work()
    return this.#milliseconds === 0 ? begin() : this.#begin().limit(begin)
  }

  /** Gives the next step the whole time, in a call that takes one for each of many sessions. */
  extend(): void {
    this.#limit?.extend()
  }

  #begin(): TimeLimit {
    this.#limit ??= new TimeLimit(this.#milliseconds, 'it', () => {
      this.#isOver = true
      this.#controller?.abort()
    })
    return this.#limit
  }
}
