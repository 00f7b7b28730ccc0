import { runLater } from '../core/clock.ts'
import { type SessionError, storageError } from '../core/errors.ts'

/** The time that a call may take. When it is over the call has failed, and shall begin nothing more. */
export class Deadline {
  readonly #milliseconds: number
  readonly #who: string
  readonly #end: number
  readonly #waiting: ((error: SessionError) => void)[] = []

  constructor(milliseconds: number, who: string) {
    this.#milliseconds = milliseconds
    this.#who = who
    this.#end = performance.now() + milliseconds
  }

  /** @throws {@link SessionError} `ERR_STORAGE` when the time is over */
  check(): void {
    if (performance.now() >= this.#end) throw this.#error()
  }

  /** What the work answers, or an error when the time is over first. */
  async limit<T>(work: () => Promise<T>): Promise<T> {
    this.check()
    return new Promise((resolve, reject) => {
      this.#waiting.push(reject)
      work().then(resolve, reject)
    })
  }

  /** The time is over. */
  end(): void {
    const error = this.#error()
    for (const reject of this.#waiting) reject(error)
  }

  #error(): SessionError {
    const reason = `${this.#who} did not answer within ${this.#milliseconds} ms`
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
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(milliseconds, who)
  return new Promise((resolve, reject) => {
    const timer = runLater(() => deadline.end(), milliseconds)
    deadline
      .limit(() => work(deadline))
      .then(
        result => {
          clearTimeout(timer)
          resolve(result)
        },
        error => {
          clearTimeout(timer)
          reject(error)
        },
      )
  })
}
