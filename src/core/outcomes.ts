import type { Awaitable } from './atomic-storage.ts'
import { runNextTurn } from './clock.ts'
import { ignoreFailure, Outcome } from './outcome.ts'
import type { SessionContext, SessionObserver } from './session-context.ts'
import { isPromise } from './thenable.ts'

interface Failure {
  readonly outcome: Outcome<unknown>
  readonly error: unknown
}

/** The outcomes of one session's changes: remembers the failures that nobody has heard of. */
export class Outcomes {
  readonly #context: SessionContext
  readonly #observer: SessionObserver | undefined
  #failures: readonly Failure[] = NO_FAILURES
  /** How many changes there are that nobody knows the outcome of yet. */
  #underWay = 0
  /** Who waits until there are none. */
  #waiting: (() => void)[] | undefined

  constructor(context: SessionContext, observer: SessionObserver | undefined) {
    this.#context = context
    this.#observer = observer
  }

  /** Whether there is a failure that nobody has heard of so far, or may be one soon. */
  get mustTell(): boolean {
    if (this.#underWay > 0) return true
    return this.#failures !== NO_FAILURES && this.#failures.some(({ outcome }) => !outcome.isHeard)
  }

  /** Makes a change. What the caller is given need not be waited for. */
  change<T>(work: () => Awaitable<T>): Promise<T> {
    try {
      const result = work()
      return isPromise(result) ? this.#follow(result) : Promise.resolve(result)
    } catch (error) {
      const outcome = new Outcome<T>(Promise.reject(error))
      this.#failed(outcome, error)
      return outcome
    }
  }

  /** The same for a save: when it fails, the changes are still there to be saved. */
  save(work: () => Awaitable<void>): Promise<void> {
    let result: Awaitable<void>
    try {
      result = work()
    } catch (error) {
      result = Promise.reject(error)
    }
    if (!isPromise(result)) return Promise.resolve()
    return new Outcome(result, undefined, (error, outcome) => {
      if (!this.#willBeTold()) this.#reportLater(() => !outcome.isHeard, error)
    })
  }

  /**
   * Rejects with the first failure that nobody heard of until the work was done, of those before it and
   * during it. Nobody else is told of these.
   */
  async tell(work: Awaitable<void>): Promise<void> {
    const before = this.#failures
    this.#failures = NO_FAILURES
    try {
      await work
    } catch (error) {
      this.#failures = [...before, ...this.#failures]
      throw error
    }
    await this.#allKnown()
    // Whoever waits for a promise that failed meanwhile has said so by then.
    await undefined
    const failures = [...before, ...this.#failures]
    this.#failures = NO_FAILURES
    const failure = failures.find(({ outcome }) => !outcome.isHeard)
    if (failure !== undefined) throw failure.error
  }

  #follow<T>(work: Promise<T>): Promise<T> {
    this.#underWay++
    return new Outcome(
      work,
      () => this.#known(),
      (error, outcome) => {
        this.#known()
        this.#failed(outcome, error)
      },
    )
  }

  #known(): void {
    this.#underWay--
    if (this.#underWay === 0) for (const wake of this.#waiting?.splice(0) ?? []) wake()
  }

  async #allKnown(): Promise<void> {
    while (this.#underWay > 0) {
      await new Promise<void>(resolve => {
        this.#waiting ??= []
        this.#waiting.push(resolve)
      })
    }
  }

  #failed(outcome: Outcome<unknown>, error: unknown): void {
    if (outcome.isHeard) return
    const failure = { outcome, error }
    this.#failures = [...this.#failures, failure]
    if (this.#willBeTold()) return
    this.#reportLater(() => !outcome.isHeard && this.#failures.includes(failure), error)
  }

  #willBeTold(): boolean {
    return this.#observer?.changeFailed?.() ?? false
  }

  /** Somebody may still say that he waits, in the turn of the event loop that made the promise. */
  #reportLater(isUnheard: () => boolean, error: unknown): void {
    runNextTurn(() => {
      if (isUnheard()) this.#context.failed(error)
    })
  }
}

/** Shared by all sessions none of whose changes has failed. */
const NO_FAILURES: readonly Failure[] = []

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
