/** More changes than that at run time are several managers that share a storage. */
const MAX_ENTRIES = 32

interface Entry {
  ttl: number
  /** From when on it counts, in milliseconds since 1970. */
  since: number
}

/**
 * Which ttl counted when, for a storage that notes no more of a session than when it was used: a new
 * ttl counts for a session from its next use on.
 */
export class TtlHistory {
  readonly #entries: Entry[] = []
  #longest = 0

  /** The longest ttl that ever counted, 0 when none did yet. */
  get longest(): number {
    return this.#longest
  }

  /** Notes the ttl that counts now. */
  note(ttl: number, now: number): void {
    const last = this.#entries.at(-1)
    // The clock was set back.
    if (last !== undefined && last.since > now) last.since = now
    if (last?.ttl === ttl) return
    this.#longest = Math.max(this.#longest, ttl)
    // The first one counts for what was used before this process began, too.
    this.#entries.push({ ttl, since: last === undefined ? Number.NEGATIVE_INFINITY : now })
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift()
  }

  /** The ttl that counted at that time. What is no longer known is taken to be this one. */
  at(time: number, otherwise: number): number {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index]
      if (entry !== undefined && entry.since <= time) return entry.ttl
    }
    return otherwise
  }
}
