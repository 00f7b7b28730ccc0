import { setImmediate as travel } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'
import { ErrorDisabled } from '../../src/core/errors.ts'
import type { SessionData, Storage } from '../../src/core/storage.ts'
import { StorageBase } from '../../src/core/storage-base.ts'
import { decodeMembers, decodeValue, encodeValue } from '../../src/core/value.ts'
import { decodeData, encodeData } from '../../src/storages/record.ts'

/** What an application may write that keeps whole sessions, at the other end of a network. */
export class WholeStorage extends StorageBase {
  readonly #clock: Clock
  readonly #sessions = new Map<string, { text: string; deadline: number }>()

  constructor(clock: Clock) {
    super()
    this.#clock = clock
  }

  override async getSession(id: string): Promise<SessionData | undefined> {
    await travel()
    const session = this.#sessions.get(id)
    return session && session.deadline >= this.#clock() ? decodeData(session.text) : undefined
  }

  override async setSession(id: string, data: SessionData, ttl: number): Promise<void> {
    const text = encodeData(data)
    await travel()
    this.#sessions.set(id, { text, deadline: this.#clock() + ttl })
  }

  override async removeAll(id: string): Promise<void> {
    await travel()
    this.#sessions.delete(id)
  }

  override async updateTTL(id: string, ttl: number): Promise<void> {
    await travel()
    const session = this.#sessions.get(id)
    if (session && session.deadline >= this.#clock()) session.deadline = this.#clock() + ttl
  }
}

/** What an application may write that keeps each key on its own, such as the rows of a table. */
export class KeyStorage extends StorageBase {
  readonly #clock: Clock
  readonly #sessions = new Map<string, { keys: Map<string, string>; deadline: number }>()

  constructor(clock: Clock) {
    super()
    this.#clock = clock
  }

  override async get(id: string, key: string): Promise<unknown> {
    await travel()
    const text = this.#find(id)?.keys.get(key)
    return text === undefined ? undefined : decodeValue(text)
  }

  override async data(id: string): Promise<SessionData> {
    await travel()
    return decodeMembers(this.#find(id)?.keys ?? [])
  }

  override async getSize(id: string): Promise<number> {
    await travel()
    return this.#find(id)?.keys.size ?? 0
  }

  override async set(id: string, key: string, value: unknown, ttl: number): Promise<void> {
    const text = encodeValue(value)
    await travel()
    const keys = this.#find(id)?.keys ?? new Map<string, string>()
    this.#sessions.set(id, { keys: keys.set(key, text), deadline: this.#clock() + ttl })
  }

  override async setMap(id: string, data: SessionData, ttl: number): Promise<void> {
    await Promise.all(Object.entries(data).map(([key, value]) => this.set(id, key, value, ttl)))
  }

  override async remove(id: string, key: string): Promise<void> {
    await travel()
    this.#find(id)?.keys.delete(key)
  }

  override async removeAll(id: string): Promise<void> {
    await travel()
    this.#sessions.delete(id)
  }

  override async updateTTL(id: string, ttl: number): Promise<void> {
    await travel()
    const session = this.#find(id)
    if (session) session.deadline = this.#clock() + ttl
  }

  #find(id: string): { keys: Map<string, string>; deadline: number } | undefined {
    const session = this.#sessions.get(id)
    return session && session.deadline >= this.#clock() ? session : undefined
  }
}

/**
 * What becomes of a storage that is ported from Go: all methods are there, and those that it does not
 * offer say so when they are called.
 */
export class PortedStorage implements Storage {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  new(ttl: number): Promise<string> {
    return this.#storage.new(ttl)
  }

  get(id: string, key: string): Promise<unknown> {
    return this.#storage.get(id, key)
  }

  data(id: string): Promise<SessionData | undefined> {
    return this.#storage.data(id)
  }

  getSize(id: string): Promise<number> {
    return this.#storage.getSize(id)
  }

  set(id: string, key: string, value: unknown, ttl: number): Promise<void> {
    return this.#storage.set(id, key, value, ttl)
  }

  async setMap(): Promise<void> {
    throw ErrorDisabled
  }

  remove(id: string, key: string): Promise<void> {
    return this.#storage.remove(id, key)
  }

  async removeAll(): Promise<void> {
    throw ErrorDisabled
  }

  getSession(id: string, ttl: number): Promise<SessionData | undefined | null> {
    return this.#storage.getSession(id, ttl)
  }

  setSession(id: string, data: SessionData, ttl: number): Promise<void> {
    return this.#storage.setSession(id, data, ttl)
  }

  updateTTL(id: string, ttl: number): Promise<void> {
    return this.#storage.updateTTL(id, ttl)
  }
}
