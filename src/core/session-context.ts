import type { Awaitable } from './atomic-storage.ts'
import type { LimitedStorage } from './limited-storage.ts'

/** What a session needs of its manager. Everything is read anew each time: it may change. */
export interface SessionContext {
  readonly ttl: number
  readonly storage: LimitedStorage
  /** The id as storages are handed it. */
  idAtRest(id: string): string
  /** The session was read: its ttl slides. */
  used(idAtRest: string, expiresAt: number | undefined): Awaitable<void>
  /** The session was written or removed: nothing is left to slide. */
  written(idAtRest: string): void
  /** Something failed that nobody waited for. */
  failed(error: unknown): void
}

/** What will change: the values, the id that the client must know, or whether there is a session. */
export type SessionChange = 'data' | 'id' | 'removal'

/** Who is told what a session is about to do, before it does it; a throw stops it. */
export interface SessionObserver {
  /** The id that the request came with, of an id's shape; asked for once, when it is first needed. */
  readId(): string | undefined
  /** The next id that the request came with, to try when this one names no session. */
  idAfter?(id: string | undefined): string | undefined
  /** It will be read. */
  reading(): void
  /** It will be changed, so that at the end there may be something to save. */
  changing(what: SessionChange): void
  /** A new session will be stored. Answers what to note beside its data, if anything. */
  beginning(): string | undefined
  /**
   * A change was refused or has failed, and nobody has heard of it so far. Answers whether the session
   * will be closed, which tells of it; absent where nobody sees to that.
   */
  changeFailed?(): boolean
}
