import timers from 'node:timers'
import type { Awaitable } from './atomic-storage.ts'
import { Outcome } from './outcome.ts'
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
  /** The changes that nobody knows the outcome of yet. They never reject. */
  #underWay: Set<Promise<void>> | undefined

  constructor(context: SessionContext, observer: SessionObserver | undefined) {
    this.#context = context
    this.#observer = observer
  }

  /** Whether there is a failure that nobody has heard of so far, or may be one soon. */
  get mustTell(): boolean {
    if (this.#underWay !== undefined && this.#underWay.size > 0) return true
    return this.#failures !== NO_FAILURES && this.#failures.some(({ outcome }) => !outcome.isHeard)
  }

  /** Makes a change. What the caller is given need not be waited for. */
  change<T>(work: () => Awaitable<T>): Promise<T> {
    try {
      const result = work()
      return isPromise(result) ? this.#follow(result) : Promise.resolve(result)
    } catch (error) {
      const outcome = Outcome.of<T>(Promise.reject(error))
      this.#failed(outcome, error)
      return outcome
    }
  }

  /** What a caller is given for a save: when it fails, the changes are still there to be saved. */
  followSave(work: Promise<void>): Promise<void> {
    const outcome = Outcome.of(work)
    work.then(undefined, error => {
      if (!this.#willBeTold()) this.#reportLater(() => !outcome.isHeard, error)
    })
    return outcome
  }

  /**
   * Rejects with the first failure that nobody heard of until the work was done, of those before it and
   * during it. Nobody else is told of these.
   */
  async tell(work: Promise<void>): Promise<void> {
    const before = this.#failures
    this.#failures = NO_FAILURES
    await work.catch(error => {
      this.#failures = [...before, ...this.#failures]
      throw error
    })
    await Promise.all(this.#underWay ?? [])
    // Whoever waits for a promise that failed meanwhile has said so by then.
    await undefined
    const failures = [...before, ...this.#failures]
    this.#failures = NO_FAILURES
    const failure = failures.find(({ outcome }) => !outcome.isHeard)
    if (failure !== undefined) throw failure.error
  }

  #follow<T>(work: Promise<T>): Promise<T> {
    const outcome = Outcome.of(work)
    const known: Promise<void> = work.then(
      () => void this.#underWay?.delete(known),
      error => {
        this.#underWay?.delete(known)
        this.#failed(outcome, error)
      },
    )
    this.#underWay ??= new Set()
    this.#underWay.add(known)
    return outcome
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
    timers.setImmediate(() => {
      if (isUnheard()) this.#context.failed(error)
    })
  }
}

/** Shared by all sessions none of whose changes has failed. */
const NO_FAILURES: readonly Failure[] = []
