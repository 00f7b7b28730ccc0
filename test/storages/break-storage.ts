import type { AtomicVerbs } from '../../src/core/atomic-storage.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { WatchableStorage } from '../../src/core/session-watch.ts'
import type { SessionData, Storage } from '../../src/core/storage.ts'
import { StorageBase } from '../../src/core/storage-base.ts'
import { StorageMemory } from '../../src/storages/memory.ts'

/** A storage with one defect, and a test of the contract that must find it. */
export interface BrokenStorage {
  readonly foundBy: string
  readonly open: (clock: Clock) => Storage
}

/** A good storage with some verbs or methods replaced by bad ones. */
export function breaking(
  change: (good: StorageMemory, clock: Clock) => Partial<AtomicVerbs & Storage & WatchableStorage>,
): (clock: Clock) => Storage {
  return clock => {
    const good = new StorageMemory({ clock })
    const verbs: AtomicVerbs = {
      create: good.create.bind(good),
      load: good.load.bind(good),
      merge: good.merge.bind(good),
      rotate: good.rotate.bind(good),
      refresh: good.refresh.bind(good),
      destroy: good.destroy.bind(good),
    }
    const methods: Partial<Storage> = {
      getSession: good.getSession.bind(good),
      setSession: good.setSession.bind(good),
      removeAll: good.removeAll.bind(good),
      updateTTL: good.updateTTL.bind(good),
      close: good.close.bind(good),
    }
    return Object.assign(new StorageBase(), methods, verbs, change(good, clock))
  }
}

/** Stores sessions under other ids. */
export function renaming(rename: (id: string) => string): (clock: Clock) => Storage {
  return breaking(good => ({
    create: (id, data, ttl) => good.create(rename(id), data, ttl),
    load: id => good.load(rename(id)),
    merge: (id, changes, ttl) => good.merge(rename(id), changes, ttl),
    destroy: id => good.destroy(rename(id)),
  }))
}

/** Stores other texts than it was given. */
export function rewriting(
  rewrite: (key: string, text: string) => string | undefined,
): (clock: Clock) => Storage {
  return breaking(good => ({
    load(id) {
      const loaded = good.load(id)
      if (loaded === undefined) return undefined
      const data = new Map<string, string>()
      for (const [key, text] of loaded.data) {
        const rewritten = rewrite(key, text)
        if (rewritten !== undefined) data.set(key, rewritten)
      }
      return { ...loaded, data }
    },
  }))
}

/** The first thing that comes to mind. */
export class StorageOfObjects extends StorageBase {
  readonly #sessions = new Map<string, SessionData>()

  override async getSession(id: string): Promise<SessionData | undefined> {
    return this.#sessions.get(id)
  }

  override async setSession(id: string, data: SessionData): Promise<void> {
    this.#sessions.set(id, data)
  }

  override async removeAll(id: string): Promise<void> {
    this.#sessions.delete(id)
  }
}
