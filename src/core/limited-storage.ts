import { atomicVerbsOf } from './adapt-storage.ts'
import type { AtomicVerbs, Awaitable, Loaded, Rotation } from './atomic-storage.ts'
import type { Changes, EncodedData } from './changes.ts'
import { isDisabled } from './errors.ts'
import { watchable } from './session-watch.ts'
import type { Storage } from './storage.ts'
import { StorageBase } from './storage-base.ts'
import { StorageCall } from './storage-call.ts'

/**
 * A storage as its manager asks it: each call fails with `ERR_STORAGE` once it has taken longer than
 * the manager's `timeout`. What is answered at once stays so.
 */
export class LimitedStorage implements AtomicVerbs {
  readonly storage: Storage
  readonly #verbs: AtomicVerbs
  readonly #timeout: number

  /** @param timeout - in milliseconds, 0 for no limit */
  constructor(storage: Storage, timeout: number) {
    this.storage = storage
    this.#verbs = atomicVerbsOf(storage)
    this.#timeout = timeout
  }

  create(id: string, data: EncodedData, ttl: number): Awaitable<boolean> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.create(id, data, ttl, call))
  }

  load(id: string, ttl: number, key?: string): Awaitable<Loaded | undefined> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.load(id, ttl, key, call))
  }

  merge(id: string, changes: Changes, ttl: number): Awaitable<boolean> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.merge(id, changes, ttl, call))
  }

  rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
  ): Awaitable<Rotation> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.rotate(id, newId, changes, ttl, keepOld, call))
  }

  refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Awaitable<void> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.refresh(accessedAt, ttl, call))
  }

  destroy(id: string): Awaitable<void> {
    const call = new StorageCall(this.#timeout)
    return call.answer(this.#verbs.destroy(id, call))
  }

  /** The id that the storage makes for a new session, `undefined` when it makes none. */
  async newId(ttl: number): Promise<string | undefined> {
    const { storage } = this
    if (storage.new === StorageBase.prototype.new) return undefined
    const call = new StorageCall(this.#timeout)
    try {
      return await call.answer(storage.new(ttl, call))
    } catch (error) {
      if (isDisabled(error)) return undefined
      throw error
    }
  }

  /** What a watch asks. Reads the session where the storage has nothing better. */
  peek(id: string, ttl: number): Awaitable<Pick<Loaded, 'expiresAt'> | undefined> {
    const told = watchable(this.storage)
    if (told?.peek === undefined) return this.load(id, ttl)
    return new StorageCall(this.#timeout).answer(told.peek(id, ttl))
  }

  close(): Awaitable<void> {
    return new StorageCall(this.#timeout).answer(this.storage.close?.())
  }
}
