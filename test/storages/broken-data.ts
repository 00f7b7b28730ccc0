import type { SessionData } from '../../src/core/storage.ts'
import { type BrokenStorage, breaking, rewriting, StorageOfObjects } from './break-storage.ts'
import { KeyStorage, WholeStorage } from './custom-storages.ts'

/** Storages that are broken in what they keep. */
export const BROKEN_DATA: Readonly<Record<string, BrokenStorage>> = {
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
  'takes what an object inherits for a key': {
    foundBy: 'get finds nothing under an unknown key',
    open: clock => {
      const storage = new KeyStorage(clock)
      const get = async (id: string, key: string): Promise<unknown> =>
        Reflect.get(await storage.data(id), key)
      return Object.assign(storage, { get })
    },
  },
  'counts no keys with null': {
    foundBy: 'getSize counts the keys, those with null included',
    open: clock => {
      const storage = new KeyStorage(clock)
      const getSize = async (id: string): Promise<number> =>
        Object.values(await storage.data(id)).filter(value => value !== null).length
      return Object.assign(storage, { getSize })
    },
  },
  'counts its ids': {
    foundBy: 'new makes ids that are hard to guess, each once',
    open: clock => {
      let count = 0
      return Object.assign(new WholeStorage(clock), { new: async () => `${++count}` })
    },
  },
  'keeps some keys where other methods do not look': {
    foundBy: 'what setSession stored, sessions find',
    open: clock => {
      const [storage, other] = [new KeyStorage(clock), new WholeStorage(clock)]
      const setSession = other.setSession.bind(other)
      return Object.assign(storage, { setSession, getSession: async () => undefined })
    },
  },
  'cannot remove': {
    foundBy: 'stays removed, whatever is still in flight',
    open: clock => Object.assign(new WholeStorage(clock), { removeAll: async () => undefined }),
  },
}
