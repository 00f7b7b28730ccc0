import type { Loaded } from './atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData, NO_DATA } from './changes.ts'

const NO_KEYS: ReadonlySet<string> = new Set()

/** What one request has seen of a session: all of it, or some keys. */
export class Snapshot {
  #data: EncodedData = NO_DATA
  /** Which keys the data tell of: all, or those that were asked for one by one. */
  #known: 'all' | ReadonlySet<string> = NO_KEYS

  get data(): EncodedData {
    return this.#data
  }

  /** Whether it tells of a key, or of all keys if none is named. */
  tellsOf(key: string | undefined): boolean {
    return this.#known === 'all' || (key !== undefined && this.#known.has(key))
  }

  /** Takes what a storage answered that was asked for a key, or for all if none is named. */
  add(loaded: Loaded, key: string | undefined): void {
    if (loaded.partial !== true) this.replace(loaded.data)
    else if (this.#known !== 'all') {
      this.#data = new Map([...this.#data, ...loaded.data])
      this.#known = new Set([...this.#known, key ?? ''])
    }
  }

  /** From now on it is this, and whole. */
  replace(data: EncodedData): void {
    this.#data = data
    this.#known = 'all'
  }

  /** Follows what was stored, if there is anything to follow with. */
  apply(changes: Changes): void {
    if (this.#known !== NO_KEYS) this.#data = applyChanges(this.#data, changes)
  }
}
