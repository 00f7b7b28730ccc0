import { setImmediate as travel } from 'node:timers/promises'
import type { AtomicVerbs } from '../../src/core/atomic-storage.ts'
import { applyChanges, type EncodedData } from '../../src/core/changes.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { SessionData, Storage } from '../../src/core/storage.ts'
import { StorageBase } from '../../src/core/storage-base.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { KeyStorage, WholeStorage } from './custom-storages.ts'

const YEAR = 365 * 24 * 3_600_000

/** A storage with one defect, and a test of the contract that must find it. */
export interface BrokenStorage {
  readonly foundBy: string
  readonly open: (clock: Clock) => Storage
}

/** Storages such as people write. Each has one defect. */
export const BROKEN: Readonly<Record<string, BrokenStorage>> = {
  'ignores the ttl': {
    foundBy: 'keeps a session until its ttl has passed, and no longer',
    open: breaking(good => ({
      create: (id, data) => good.create(id, data, YEAR),
      merge: (id, changes) => good.merge(id, changes, YEAR),
    })),
  },
  'ends a session a millisecond early': {
    foundBy: 'keeps a session until its ttl has passed, and no longer',
    open: breaking(good => ({
      create: (id, data, ttl) => good.create(id, data, Math.max(1, ttl - 1)),
    })),
  },
  'counts the ttl in whole seconds': {
    foundBy: 'keeps a session until its ttl has passed, and no longer',
    open: clock => new StorageMemory({ clock: () => Math.floor(clock() / 1000) * 1000 }),
  },
  'does not slide at a change': {
    foundBy: 'counts the ttl anew from a change',
    open: breaking((good, clock) => ({
      merge: (id, changes) => {
        const { expiresAt = 0 } = good.load(id) ?? {}
        return good.merge(id, changes, Math.max(1, expiresAt - clock()))
      },
    })),
  },
  'does not slide at a refresh': {
    foundBy: 'lives on while it is used',
    open: breaking(() => ({ refresh: () => undefined })),
  },
  'shortens a ttl by a late refresh': {
    foundBy: 'never lives shorter for a refresh from an earlier time',
    open: breaking((good, clock) => ({
      refresh(accessedAt, ttl) {
        for (const [id, time] of accessedAt) {
          const loaded = good.load(id)
          good.destroy(id)
          if (loaded) good.create(id, loaded.data, Math.max(1, time + ttl - clock()))
        }
      },
    })),
  },
  'brings an expired session back by a refresh': {
    foundBy: 'brings no expired session back by a refresh',
    open: breaking((good, clock) => {
      const seen = new Map<string, EncodedData>()
      return {
        create(id, data, ttl) {
          seen.set(id, data)
          return good.create(id, data, ttl)
        },
        destroy(id) {
          seen.delete(id)
          good.destroy(id)
        },
        refresh(accessedAt, ttl) {
          for (const [id, time] of accessedAt) {
            const data = seen.get(id)
            if (data && good.load(id) === undefined) good.create(id, data, time + ttl - clock())
          }
          good.refresh(accessedAt, ttl)
        },
      }
    }),
  },
  'brings a removed session back by a change': {
    foundBy: 'stays removed, whatever is still in flight',
    open: breaking(good => ({
      merge: (id, changes, ttl) =>
        good.merge(id, changes, ttl) || good.create(id, applyChanges(new Map(), changes), ttl),
    })),
  },
  'begins a session by refreshing it': {
    foundBy: 'begins no session by refreshing an unknown one',
    open: breaking(good => ({
      refresh(accessedAt, ttl) {
        for (const id of accessedAt.keys()) good.create(id, new Map(), ttl)
      },
    })),
  },
  'begins a session by updateTTL': {
    foundBy: 'updateTTL begins no session under an unknown id',
    open: breaking(good => ({
      async updateTTL(id, ttl) {
        good.create(id, new Map(), ttl)
        await good.updateTTL(id, ttl)
      },
    })),
  },
  'begins a session over one that is there': {
    foundBy: 'begins no session over one that is there',
    open: breaking(good => ({
      create(id, data, ttl) {
        good.destroy(id)
        return good.create(id, data, ttl)
      },
    })),
  },
  'stores what changed in place of the whole session': {
    foundBy: 'loses no change of different keys by requests side by side',
    open: breaking(good => ({
      merge(id, changes, ttl) {
        if (good.load(id) === undefined) return false
        good.destroy(id)
        return good.create(id, applyChanges(new Map(), changes), ttl)
      },
    })),
  },
  'merges values, and not only sessions': {
    foundBy: 'replaces a value whole',
    open: breaking(good => ({
      merge(id, changes, ttl) {
        const data = good.load(id)?.data
        const set = new Map(changes.set)
        for (const [key, text] of set) {
          const old: unknown = JSON.parse(data?.get(key) ?? 'null')
          if (text.startsWith('{'))
            set.set(key, JSON.stringify({ ...toObject(old), ...JSON.parse(text) }))
        }
        return good.merge(id, { ...changes, set }, ttl)
      },
    })),
  },
  'loses one of two changes at once': {
    foundBy: 'loses no change of fifty different keys at once',
    open: breaking(good => ({
      async merge(id, changes, ttl) {
        const data = good.load(id)?.data
        if (data === undefined) return false
        await travel()
        good.destroy(id)
        return good.create(id, applyChanges(data, changes), ttl)
      },
    })),
  },
  'forgets the update': {
    foundBy: 'updates exactly when fifty requests do at once',
    open: breaking(good => ({
      merge: (id, { set, removed }, ttl) => good.merge(id, { set, removed }, ttl),
    })),
  },
  'forgets to remove keys': {
    foundBy: 'keeps a key removed that another request has loaded',
    open: breaking(good => ({
      merge: (id, changes, ttl) => good.merge(id, { ...changes, removed: new Set() }, ttl),
    })),
  },
  'leaves the old id usable': {
    foundBy: 'moves to a new id with its data',
    open: breaking(good => ({
      rotate: (id, newId, changes, ttl) => good.rotate(id, newId, changes, ttl, true),
    })),
  },
  'removes the old id in any case': {
    foundBy: 'leaves the old id usable, if told so',
    open: breaking(good => ({
      rotate: (id, newId, changes, ttl) => good.rotate(id, newId, changes, ttl, false),
    })),
  },
  'gives out a new id that is taken': {
    foundBy: 'gives a session no new id that is taken',
    open: breaking(good => ({
      rotate(id, newId, changes, ttl, keepOld) {
        good.destroy(newId)
        return good.rotate(id, newId, changes, ttl, keepOld)
      },
    })),
  },
  'mixes ids that begin alike': {
    foundBy: 'keeps sessions with similar ids apart',
    open: renaming(id => id.slice(0, 100)),
  },
  'mixes ids that differ at the edges': {
    foundBy: 'removes one session and no other',
    open: renaming(id => id.replaceAll(/^[-_]+|[-_]+$/g, '')),
  },
  'shares its sessions with another storage': {
    foundBy: 'shares nothing with another storage of its kind',
    open: (() => {
      const shared = new Map<Clock, StorageMemory>()
      return clock => {
        const storage = shared.get(clock) ?? new StorageMemory({ clock })
        shared.set(clock, storage)
        return storage
      }
    })(),
  },
  'loses __proto__': {
    foundBy: 'keeps keys that every object inherits',
    open: rewriting((key, text) => (key === '__proto__' ? undefined : text)),
  },
  'loses __proto__ inside of values': {
    foundBy: 'keeps such keys inside of values',
    open: rewriting((_, text) => text.replaceAll('"__proto__":{"admin":true},', '')),
  },
  'rounds big integers': {
    foundBy: 'keeps integers beyond 2^53 exactly',
    open: rewriting((_, text) => (/^-?\d{16,}$/.test(text) ? `${Number(text)}.0` : text)),
  },
  'takes null for absent': {
    foundBy: 'keeps a stored null apart from a key that is absent',
    open: rewriting((_, text) => (text === 'null' ? undefined : text)),
  },
  'writes numbers anew': {
    foundBy: 'writes a number back as it was when other keys change',
    open: rewriting((_, text) => (text === '1.0' ? '1' : text)),
  },
  'cuts what is long': {
    foundBy: 'keeps a value of a megabyte',
    open: rewriting((_, text) => (text.length > 65_535 ? '"cut"' : text)),
  },
  'does not know the empty key': {
    foundBy: 'keeps a key that is the empty text',
    open: rewriting((key, text) => (key === '' ? undefined : text)),
  },
  'works on after it was closed': {
    foundBy: 'says that it is closed after it was closed',
    open: breaking(() => ({ close: async () => undefined })),
  },
  'shares objects with its callers, and knows no ttl': {
    foundBy: 'setSession and getSession share no objects with their callers',
    open: () => new StorageOfObjects(),
  },
  'lets setMap replace the session': {
    foundBy: 'setMap leaves the other keys alone',
    open: clock => {
      const storage = new KeyStorage(clock)
      const setMap = storage.setMap.bind(storage)
      return Object.assign(storage, {
        async setMap(id: string, data: SessionData, ttl: number) {
          await storage.removeAll(id)
          await setMap(id, data, ttl)
        },
      })
    },
  },
  'lets setSession add to the session': {
    foundBy: 'setSession stores the session in place of what was there',
    open: clock => {
      const storage = new WholeStorage(clock)
      const setSession = storage.setSession.bind(storage)
      return Object.assign(storage, {
        setSession: async (id: string, data: SessionData, ttl: number) =>
          setSession(id, { ...(await storage.getSession(id)), ...data }, ttl),
      })
    },
  },
  'cannot remove': {
    foundBy: 'stays removed, whatever is still in flight',
    open: clock => Object.assign(new WholeStorage(clock), { removeAll: async () => undefined }),
  },
}

/** A good storage with some verbs or methods replaced by bad ones. */
function breaking(
  change: (good: StorageMemory, clock: Clock) => Partial<AtomicVerbs & Storage>,
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
function renaming(rename: (id: string) => string): (clock: Clock) => Storage {
  return breaking(good => ({
    create: (id, data, ttl) => good.create(rename(id), data, ttl),
    load: id => good.load(rename(id)),
    merge: (id, changes, ttl) => good.merge(rename(id), changes, ttl),
    destroy: id => good.destroy(rename(id)),
  }))
}

/** Stores other texts than it was given. */
function rewriting(
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
class StorageOfObjects extends StorageBase {
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

function toObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
