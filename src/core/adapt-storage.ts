import { type AtomicVerbs, isAtomicStorage, type Loaded, type Rotation } from './atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData, NO_DATA, RESERVED_KEY } from './changes.ts'
import { ErrorDisabled, isDisabled, SessionError, unreadable } from './errors.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { refuseOption } from './options.ts'
import type { SessionData, Storage } from './storage.ts'
import { StorageBase } from './storage-base.ts'
import { StorageCall } from './storage-call.ts'
import { decodeMembers, decodeValue, encodeValue } from './value.ts'

/**
 * Kept in place of the application's keys while there are none: a storage key by key cannot tell a
 * session without keys from no session. Left where it is when keys come, and shown to nobody.
 */
const PLACEHOLDER_KEY = `${RESERVED_KEY}:exists`

/** The atomic verbs of a storage: its own, or its eleven methods in their place. */
export function atomicVerbsOf(storage: Storage): AtomicVerbs {
  return isAtomicStorage(storage) ? storage : new AdaptedStorage(storage)
}

/** What a verb is called with where nobody sets a limit: by the tests of storages. */
const NO_LIMIT = new StorageCall(0)

/**
 * The atomic verbs over the eleven methods. Within this process the steps of one session run one
 * after another, so nothing is lost between its requests; other processes are not held back.
 */
class AdaptedStorage implements AtomicVerbs {
  readonly #queue = new KeyedQueue()
  readonly #methods: Methods

  constructor(storage: Storage) {
    this.#methods = new Methods(storage)
    if (this.#keepsWholeSessions || this.#keepsKeys) return
    const whole = '`getSession` and `setSession`'
    const keys = '`data`, `set` (or `setMap`) and `remove`'
    refuseOption('storage', `one that offers ${whole}, or ${keys}`, 'one that offers neither')
  }

  get #keepsWholeSessions(): boolean {
    return this.#methods.offers('getSession') && this.#methods.offers('setSession')
  }

  get #keepsKeys(): boolean {
    const { offers } = this.#methods
    return offers('data') && (offers('set') || offers('setMap')) && offers('remove')
  }

  load(
    id: string,
    ttl: number,
    key?: string,
    call: StorageCall = NO_LIMIT,
  ): Promise<Loaded | undefined> {
    return this.#load(call, id, ttl, key)
  }

  create(
    id: string,
    data: EncodedData,
    ttl: number,
    call: StorageCall = NO_LIMIT,
  ): Promise<boolean> {
    return this.#queue.run(id, () => this.#create(call, id, data, ttl))
  }

  merge(id: string, changes: Changes, ttl: number, call: StorageCall = NO_LIMIT): Promise<boolean> {
    return this.#queue.run(id, async () => {
      const loaded = await this.#load(call, id, ttl, changes.update?.key)
      if (loaded === undefined) return false
      await this.#store(call, id, loaded, changes, ttl)
      return true
    })
  }

  rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
    call: StorageCall = NO_LIMIT,
  ): Promise<Rotation> {
    return this.#runBoth(id, newId, async () => {
      const loaded = await this.#load(call, id, ttl)
      if (loaded === undefined) return 'absent'
      const created = await this.#create(call, newId, applyChanges(loaded.data, changes), ttl)
      if (!created) return 'taken'
      if (!keepOld) await this.#destroy(call, id, ttl)
      return 'rotated'
    })
  }

  async refresh(
    accessedAt: ReadonlyMap<string, number>,
    ttl: number,
    call: StorageCall = NO_LIMIT,
  ): Promise<void> {
    for (const id of accessedAt.keys()) {
      call.extend()
      await this.#methods.ask(call, 'updateTTL', id, ttl)
    }
  }

  destroy(id: string, call: StorageCall = NO_LIMIT): Promise<void> {
    return this.#queue.run(id, () => this.#destroy(call, id, 1))
  }

  /** Holds both sessions. All take them in the same order, or two could wait for each other. */
  #runBoth<T>(id: string, otherId: string, work: () => Promise<T>): Promise<T> {
    if (id === otherId) return this.#queue.run(id, work)
    const [first, second] = id < otherId ? [id, otherId] : [otherId, id]
    return this.#queue.run(first, () => this.#queue.run(second, work))
  }

  async #load(
    call: StorageCall,
    id: string,
    ttl: number,
    key?: string,
  ): Promise<Loaded | undefined> {
    const { ask, need } = this.#methods
    if (this.#keepsWholeSessions) {
      const data = await ask(call, 'getSession', id, ttl)
      // The first answer may have been that whole sessions are disabled.
      if (this.#keepsWholeSessions) return present(data)
    }
    return (await this.#loadKey(call, id, key)) ?? present(await need(call, 'data', id))
  }

  /** One key that has a value, and the library's own: that there is a session is then certain. */
  async #loadKey(
    call: StorageCall,
    id: string,
    key: string | undefined,
  ): Promise<Loaded | undefined> {
    const { ask, offers } = this.#methods
    if (key === undefined || !offers('get')) return undefined
    const value = await ask(call, 'get', id, key)
    if (value === undefined || value === null) return undefined
    const note = key === RESERVED_KEY ? value : await ask(call, 'get', id, RESERVED_KEY)
    const data = note === undefined || note === null ? {} : { [RESERVED_KEY]: note }
    return { data: encodeData({ ...data, [key]: value }), partial: true }
  }

  async #create(call: StorageCall, id: string, data: EncodedData, ttl: number): Promise<boolean> {
    if ((await this.#load(call, id, ttl)) !== undefined) return false
    const kept = withPlaceholder(data)
    if (!(await this.#setSession(call, id, kept, ttl))) await this.#setKeys(call, id, kept, ttl)
    return true
  }

  async #store(
    call: StorageCall,
    id: string,
    loaded: Loaded,
    changes: Changes,
    ttl: number,
  ): Promise<void> {
    const data = withPlaceholder(applyChanges(loaded.data, changes))
    if (await this.#setSession(call, id, data, ttl)) return
    const { set, removed, update } = changes
    const isSet = (key: string) => set.has(key) || key === update?.key || key === PLACEHOLDER_KEY
    const changed = new Map([...data].filter(([key]) => isSet(key)))
    // The placeholder comes before the last key goes, so that there is no moment without any.
    await this.#setKeys(call, id, changed, ttl)
    for (const key of removed) if (!data.has(key)) await this.#methods.need(call, 'remove', id, key)
    // Setting a key starts the ttl anew, removing one does not.
    if (changed.size === 0) await this.#methods.ask(call, 'updateTTL', id, ttl)
  }

  /** Stores the whole session. Answers false when the storage keeps keys. */
  async #setSession(
    call: StorageCall,
    id: string,
    data: EncodedData,
    ttl: number,
  ): Promise<boolean> {
    if (!this.#keepsWholeSessions) return false
    return this.#methods.did(call, 'setSession', id, decodeMembers(data), ttl)
  }

  async #setKeys(call: StorageCall, id: string, data: EncodedData, ttl: number): Promise<void> {
    const { did, need } = this.#methods
    if (data.size === 0 || (await did(call, 'setMap', id, decodeMembers(data), ttl))) return
    for (const [key, text] of data) await need(call, 'set', id, key, decodeValue(text), ttl)
  }

  /** Removes all that is there, the placeholder included. */
  async #destroy(call: StorageCall, id: string, ttl: number): Promise<void> {
    const { did, need } = this.#methods
    if (await did(call, 'removeAll', id)) return
    if (await this.#setSession(call, id, NO_DATA, ttl)) return
    const data = (await need(call, 'data', id)) ?? {}
    for (const key of Object.keys(data)) await need(call, 'remove', id, key)
  }
}

type MethodName = Exclude<keyof Storage, 'close'>
type Answer<Name extends MethodName> = Awaited<ReturnType<Storage[Name]>>

/** Knows which of the eleven methods a storage offers, and asks only those. */
class Methods {
  readonly #storage: Storage
  readonly #disabled = new Set<MethodName>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  readonly offers = (name: MethodName): boolean =>
    this.#storage[name] !== StorageBase.prototype[name] && !this.#disabled.has(name)

  /** What the method answers, `undefined` when it turns out to be disabled. */
  readonly ask = async <Name extends MethodName>(
    call: StorageCall,
    name: Name,
    ...args: Parameters<Storage[Name]>
  ): Promise<Answer<Name> | undefined> => {
    if (!this.offers(name)) return undefined
    try {
      // TypeScript cannot see that the name and the arguments belong together.
      const method = this.#storage[name] as (...args: unknown[]) => Promise<Answer<Name>>
      return await call.step(() => method.apply(this.#storage, [...args, call]))
    } catch (error) {
      if (!isDisabled(error)) throw error
      this.#disabled.add(name)
      return undefined
    }
  }

  /** Does it if the storage offers it, and answers whether it does. */
  readonly did = async <Name extends MethodName>(
    call: StorageCall,
    name: Name,
    ...args: Parameters<Storage[Name]>
  ): Promise<boolean> => {
    await this.ask(call, name, ...args)
    return this.offers(name)
  }

  /** What the method answers, where nothing else takes its place: it must not be disabled. */
  readonly need = async <Name extends MethodName>(
    call: StorageCall,
    name: Name,
    ...args: Parameters<Storage[Name]>
  ): Promise<Answer<Name> | undefined> => {
    const answer = await this.ask(call, name, ...args)
    if (this.offers(name)) return answer
    const message = `The session storage does not offer \`${name}\`, and nothing takes its place`
    throw new SessionError('ERR_STORAGE', message, { cause: ErrorDisabled })
  }
}

/** What to store, so that it is found to be a session even without keys. */
function withPlaceholder(data: EncodedData): EncodedData {
  return data.size === 0 ? new Map([[PLACEHOLDER_KEY, 'true']]) : data
}

/** What was stored: a session unless nothing is there, not even the placeholder. */
function present(data: SessionData | undefined | null): Loaded | undefined {
  const found = encodeData(data ?? {})
  if (found.size === 0) return undefined
  found.delete(PLACEHOLDER_KEY)
  return { data: found }
}

/** Whoever wrote it, it must be what a session keeps. */
function encodeData(data: SessionData): Map<string, string> {
  try {
    return new Map(Object.entries(data).map(([key, value]) => [key, encodeValue(value, key)]))
  } catch (cause) {
    throw unreadable('the storage answered what no session keeps', cause)
  }
}
