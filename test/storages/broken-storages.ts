import { setImmediate as travel } from 'node:timers/promises'
import { applyChanges, type EncodedData } from '../../src/core/changes.ts'
import type { Clock } from '../../src/core/clock.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { type BrokenStorage, breaking, renaming } from './break-storage.ts'
import { BROKEN_DATA } from './broken-data.ts'

const YEAR = 365 * 24 * 3_600_000

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
          return good.refresh(accessedAt, ttl)
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
  'expires by a timer': {
    foundBy: 'keeps a session whose ttl is a year',
    open: breaking(good => ({
      // As `setTimeout` takes it: what is beyond 2^31 - 1 milliseconds becomes 1.
      create: (id, data, ttl) => good.create(id, data, ttl >= 2 ** 31 ? 1 : ttl),
    })),
  },
  'begins a session when it moves an absent one': {
    foundBy: 'gives an absent session no new id',
    open: breaking(good => ({
      rotate(id, newId, changes, ttl, keepOld) {
        good.create(id, new Map(), ttl)
        return good.rotate(id, newId, changes, ttl, keepOld)
      },
    })),
  },
  'fails when there is nothing to remove': {
    foundBy: 'removes an unknown id quietly',
    open: breaking(good => ({
      destroy(id) {
        if (good.load(id) === undefined) throw new Error('not found')
        good.destroy(id)
      },
    })),
  },
  'fails when there is no session': {
    foundBy: 'knows nothing of an unknown id',
    open: breaking(good => ({
      load(id) {
        const loaded = good.load(id)
        if (loaded === undefined) throw new Error('not found')
        return loaded
      },
    })),
  },
  'cannot be closed twice': {
    foundBy: 'can be closed twice, and before it was used',
    open: breaking(good => {
      let open = true
      const close = async (): Promise<void> => {
        if (!open) throw new Error('closed already')
        open = false
        await good.close()
      }
      return { close }
    }),
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
  'tells nothing of a removal': {
    foundBy: 'lets a watch look when its session is removed or moves to a new id',
    open: breaking(() => ({ watch: () => () => {} })),
  },
  'tells nothing of a new id': {
    foundBy: 'lets a watch look when its session is removed or moves to a new id',
    open: breaking(good => ({
      watch: (id, look) => good.watch(id, look),
      rotate(id, newId, changes, ttl, keepOld) {
        const { data } = good.load(id) ?? {}
        if (data === undefined) return 'absent'
        if (!good.create(newId, applyChanges(data, changes), ttl)) return 'taken'
        if (!keepOld) good.merge(id, { set: new Map(), removed: new Set(data.keys()) }, 1)
        return 'rotated'
      },
    })),
  },
  'tells those who watch no more': {
    foundBy: 'leaves those alone who watch no more',
    open: breaking(good => ({
      watch(id, look) {
        good.watch(id, look)
        return () => {}
      },
    })),
  },
  'peeks at sessions that are not there': {
    foundBy: 'peeks at what is there and at nothing else',
    open: breaking(good => ({
      watch: (id, look) => good.watch(id, look),
      peek: () => ({}),
    })),
  },
  ...BROKEN_DATA,
}

function toObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
