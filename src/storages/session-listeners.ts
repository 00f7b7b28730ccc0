/** Who wants to look at which session when something happened to it. */
export class SessionListeners {
  readonly #looks = new Map<string, Set<() => void>>()

  /** How many sessions are listened to. Asked first, it makes all the rest free while there are none. */
  get size(): number {
    return this.#looks.size
  }

  get ids(): Iterable<string> {
    return this.#looks.keys()
  }

  /** Answers what ends it. */
  add(id: string, look: () => void): () => void {
    const looks = this.#looks.get(id) ?? new Set()
    this.#looks.set(id, looks)
    // The same function may come twice.
    const own = (): void => look()
    looks.add(own)
    return () => {
      looks.delete(own)
      if (looks.size === 0 && this.#looks.get(id) === looks) this.#looks.delete(id)
    }
  }

  /** Lets those look who listen to a session: after the step that is under way. */
  tell(id: string): void {
    for (const look of this.#looks.get(id) ?? []) queueMicrotask(look)
  }

  tellAll(): void {
    for (const id of this.#looks.keys()) this.tell(id)
  }

  clear(): void {
    this.#looks.clear()
  }
}
