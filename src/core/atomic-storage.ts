import type { Changes, EncodedData } from './changes.ts'
import type { Storage } from './storage.ts'
import type { CallOptions } from './storage-call.ts'

/** An answer that a storage may have at once; asking is then free of a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>

/** A session as it is stored. */
export interface Loaded {
  readonly data: EncodedData
  /** When it expires, in milliseconds since 1970; absent when the storage cannot tell for free. */
  readonly expiresAt?: number
  /** True when `data` has no more than the key that was asked for. */
  readonly partial?: boolean
}

/** `absent`: there is no such session. `taken`: the new id already names one; nothing was done. */
export type Rotation = 'rotated' | 'absent' | 'taken'

/**
 * What a session asks of its storage: each verb one atomic step, on its own against all processes
 * that share the storage. A storage that offers all of them is asked directly; one that offers only
 * the eleven methods of {@link Storage} is asked through these, as well as it can.
 *
 * Ids are as the manager's `idAtRest` says. `ttl` is in milliseconds. The `signal` of the last argument
 * is aborted when the manager's `timeout` is over.
 */
export interface AtomicVerbs {
  /** Stores a new session. Answers false, and changes nothing, when the id already names one. */
  create(id: string, data: EncodedData, ttl: number, options?: CallOptions): Awaitable<boolean>

  /**
   * The session, `undefined` when it does not exist or has expired. With a `key`, a storage that
   * keeps keys apart may answer with that key, and the library's own `__gsession`, alone.
   */
  load(id: string, ttl: number, key?: string, options?: CallOptions): Awaitable<Loaded | undefined>

  /**
   * Merges changes into the session and starts its ttl anew. Answers false, and changes nothing,
   * when it does not exist or has expired: a removed session is never brought back.
   */
  merge(id: string, changes: Changes, ttl: number, options?: CallOptions): Awaitable<boolean>

  /**
   * Stores the session, with these changes, under a new id as well, then removes it under the old
   * one unless `keepOld`. A crash in between leaves the old one usable.
   */
  rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
    options?: CallOptions,
  ): Awaitable<Rotation>

  /** Lets each of these sessions live for `ttl` from the time given. Absent ones stay absent. */
  refresh(
    accessedAt: ReadonlyMap<string, number>,
    ttl: number,
    options?: CallOptions,
  ): Awaitable<void>

  /** Removes the session. A missing one is not an error. */
  destroy(id: string, options?: CallOptions): Awaitable<void>
}

/** A storage with the atomic verbs: the built-in ones, or yours if it can do them. */
export interface AtomicStorage extends Storage, AtomicVerbs {}

const VERBS = ['create', 'load', 'merge', 'rotate', 'refresh', 'destroy'] as const

/** Whether a storage offers the atomic verbs: all of them, or it does not. */
export function isAtomicStorage(storage: Storage): storage is AtomicStorage {
  const offered: Partial<AtomicStorage> = storage
  return VERBS.every(verb => typeof offered[verb] === 'function')
}
