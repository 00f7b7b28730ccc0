import type { Awaitable } from './atomic-storage.ts'
import { applyChanges, type EncodedData, type KeyUpdate, RESERVED_KEY } from './changes.ts'
import { PendingChanges } from './pending-changes.ts'
import type { StoredSession } from './stored-session.ts'
import { isPromise } from './thenable.ts'

/**
 * A stored session with one request's changes over it, in the order of the calls. Knows texts, not
 * values.
 */
export class ChangedSession {
  readonly stored: StoredSession
  #changes: PendingChanges = NO_CHANGES

  constructor(stored: StoredSession) {
    this.stored = stored
  }

  get isDirty(): boolean {
    return !this.#changes.isEmpty
  }

  /** Whether there is something to store, or something under way, which may fail and leave its changes. */
  get needsCommit(): boolean {
    return this.isDirty || this.stored.isBusy
  }

  /** What the library noted beside the data, as far as it was loaded. */
  get note(): string | undefined {
    return this.#changes.textOf(RESERVED_KEY) ?? this.stored.peek(RESERVED_KEY)
  }

  /** The text of a key, `undefined` when there is none. */
  textOf(key: string): Awaitable<string | undefined> {
    const text = this.#changes.textOf(key)
    if (text !== undefined) return text ?? undefined
    const data = this.stored.read(key)
    return isPromise(data) ? data.then(later => later.get(key)) : data.get(key)
  }

  /** The texts of all keys but the library's own. */
  async allTexts(): Promise<EncodedData> {
    const changes = this.#changes.withUpdate(undefined)
    const texts = applyChanges(await this.stored.read(undefined), changes)
    texts.delete(RESERVED_KEY)
    return texts
  }

  set(key: string, text: string): void {
    this.#pending().setKey(key, text)
  }

  remove(keys: readonly string[]): void {
    const { mayExist } = this.stored
    for (const key of keys) {
      if (mayExist) this.#pending().removeKey(key)
      else this.#pending().set.delete(key)
    }
  }

  removeAll(): Awaitable<void> {
    this.#changes = NO_CHANGES
    return this.stored.destroy()
  }

  /** Stores the changes, with an update after them if one is given. */
  commit(update?: KeyUpdate): Awaitable<void> {
    return this.#handOver((changes, giveBack) => this.stored.commit(changes, update, giveBack))
  }

  /** Stores the session with its changes under a new id. */
  rotate(keepOld: boolean): Awaitable<string> {
    return this.#handOver((changes, giveBack) => this.stored.rotate(changes, keepOld, giveBack))
  }

  /**
   * Hands over the recorded changes. If they cannot be stored, they go beneath those recorded next,
   * which may have been handed over themselves by then, or dropped by `removeAll`.
   */
  #handOver<T>(
    store: (changes: PendingChanges, giveBack: () => void) => Awaitable<T>,
  ): Awaitable<T> {
    const changes = this.#changes
    const next = new PendingChanges()
    this.#changes = next
    return store(changes, () => next.restore(changes))
  }

  #pending(): PendingChanges {
    if (this.#changes === NO_CHANGES) this.#changes = new PendingChanges()
    return this.#changes
  }
}

/** Shared by all sessions that changed nothing; never changed itself. */
const NO_CHANGES = new PendingChanges()
