import { monotonicTime, runLater, stopTimer } from './clock.ts'
import { type SessionError, storageError } from './errors.ts'

/** The time that a call may take. When it is over the call has failed, and shall begin nothing more. */
export class TimeLimit {
  readonly #milliseconds: number
  readonly #who: string
  #end: number
  readonly #timer: NodeJS.Timeout
  readonly #waiting: ((error: SessionError) => void)[]

  /** @param over - told when the time is over, unless {@link met} was called before */
  constructor(milliseconds: number, who: string, over: (error: SessionError) => void) {
    this.#milliseconds = milliseconds
    this.#who = who
    this.#end = monotonicTime() + milliseconds
    this.#waiting = [over]
    this.#timer = runLater(() => this.#over(), milliseconds)
  }

  /** @throws {@link SessionError} `ERR_STORAGE` when the time is over */
  check(): void {
    if (monotonicTime() >= this.#end) throw this.#error()
  }

  /** What the work answers, or an error when the time is over first. */
  limit<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.check()
      this.#waiting.push(reject)
      work().then(resolve, reject)
    })
  }

  /** The time begins anew. */
  extend(): void {
    this.#end = monotonicTime() + this.#milliseconds
    this.#timer.refresh()
  }

  /** The call has ended in time. */
  met(): void {
    stopTimer(this.#timer)
  }

  #over(): void {
    const error = this.#error()
    for (const tell of this.#waiting) tell(error)
  }

  #error(): SessionError {
    const reason = `${this.#who} was not done within ${this.#milliseconds} ms`
    return storageError(new Error(reason))
  }
}

/**
 * What the work answers, or an error when that takes longer. What the work has sent by then cannot be
 * called back.
 *
 * @throws {@link SessionError} `ERR_STORAGE` when the time is over
 */
export function within<T>(
  milliseconds: number,
  who: string,
  work: (limit: TimeLimit) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const limit = new TimeLimit(milliseconds, who, reject)
    work(limit).then(
      result => {
        limit.met()
        resolve(result)
      },
      error => {
        limit.met()
        reject(error)
      },
    )
  })
}
