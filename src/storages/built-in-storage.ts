import type { AtomicVerbs, Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import type { Changes, EncodedData } from '../core/changes.ts'
import type { Clock } from '../core/clock.ts'
import type { SessionData } from '../core/storage.ts'
import { StorageBase } from '../core/storage-base.ts'
import { decodeMembers, encodeValue } from '../core/value.ts'

/** GoFrame's whole-session methods, said once in terms of the atomic verbs. */
export abstract class BuiltInStorage extends StorageBase implements AtomicVerbs {
  protected readonly clock: Clock

  constructor(clock: Clock) {
    super()
    this.clock = clock
  }

  abstract create(id: string, data: EncodedData, ttl: number): Awaitable<boolean>
  abstract load(id: string, ttl: number): Awaitable<Loaded | undefined>
  abstract merge(id: string, changes: Changes, ttl: number): Awaitable<boolean>
  abstract rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
  ): Awaitable<Rotation>
  abstract refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Awaitable<void>
  abstract destroy(id: string): Awaitable<void>

  /** Stores a session, whether or not there is one under that id. */
  protected abstract replace(id: string, data: EncodedData, ttl: number): Awaitable<void>

  override async getSession(id: string, ttl: number): Promise<SessionData | undefined> {
    const loaded = await this.load(id, ttl)
    return loaded && decodeMembers(loaded.data)
  }

  override async setSession(id: string, data: SessionData, ttl: number): Promise<void> {
    const texts = Object.entries(data).map(
      ([key, value]) => [key, encodeValue(value, key)] as const,
    )
    await this.replace(id, new Map(texts), ttl)
  }

  override async updateTTL(id: string, ttl: number): Promise<void> {
    await this.refresh(new Map([[id, this.clock()]]), ttl)
  }

  override async removeAll(id: string): Promise<void> {
    await this.destroy(id)
  }
}
