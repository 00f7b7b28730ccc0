import { Recent } from '../core/recent.ts'

/** Milliseconds within which requests are answered that were sent before the answer with a new id came. */
const IN_FLIGHT = 10_000
/** Of a few seconds. */
const LIMIT = 1_000

/**
 * When recent sessions moved from ids of their clients to others, as far as this process knows. A request
 * that came with the old id, and is answered later, must not remove the new cookie.
 */
export class MoveTimes {
  readonly #times = new Recent<number>(LIMIT)

  /** @param ids - all that the client sent: which one is the session's may not be known yet */
  note(ids: readonly string[], now: number): void {
    for (const id of ids) this.#times.set(id, now)
  }

  /** Whether one of the ids may still be that of a request in flight. */
  areRecent(ids: readonly string[], now: number): boolean {
    return ids.some(id => now < (this.#times.get(id) ?? -IN_FLIGHT) + IN_FLIGHT)
  }
}
