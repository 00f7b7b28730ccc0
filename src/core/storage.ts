import type { CallOptions } from './storage-call.ts'

/** All keys of one session with their values, as plain data. */
export type SessionData = Record<string, unknown>

/**
 * Keeps sessions: GoFrame's `Storage` interface, method for method. Extend {@link StorageBase} and
 * override the ones you need, in one of two ways:
 *
 * - whole sessions: `getSession`, `setSession`, `removeAll`, `updateTTL`;
 * - key by key: `get`, `data`, `set` (or `setMap`), `remove`, `removeAll`, `updateTTL`.
 *
 * Rules for all of them:
 *
 * - An `id` is what the manager's `idAtRest` says: a SHA-256 in hexadecimal, or the id itself.
 * - `ttl` is in milliseconds, a whole number above 0, and belongs to the session, not to a key.
 * - A session that is unknown or expired is an ordinary answer (`undefined`, nothing done), never
 *   an error. Reject only when the storage itself fails: that reaches the caller as `ERR_STORAGE`.
 * - The last argument has a `signal`, which is aborted when the manager's `timeout` is over.
 * - A method that you do not offer rejects with `ErrorDisabled`, as `StorageBase` does.
 * - Values are data: `null`, booleans, numbers, strings, `bigint`, arrays and plain objects.
 *   `encodeData` and `decodeData` turn them into JSON text and back without loss.
 *
 * The key `__gsession` is the library's own. Keep it like any other; sessions never show it.
 */
export interface Storage {
  /** Makes the id of a new session. When disabled, the library makes one: see `newSessionId`. */
  'new'(ttl: number, options?: CallOptions): Promise<string>

  /** The value of one key, `undefined` when the session or the key does not exist. */
  get(id: string, key: string, options?: CallOptions): Promise<unknown>

  /** All keys and values, `{}` or `undefined` when the session does not exist. */
  data(id: string, options?: CallOptions): Promise<SessionData | undefined>

  /** How many keys the session has, 0 when it does not exist. */
  getSize(id: string, options?: CallOptions): Promise<number>

  /** Sets one key and starts the session's ttl anew. */
  set(id: string, key: string, value: unknown, ttl: number, options?: CallOptions): Promise<void>

  /** Sets several keys, leaves the others alone, and starts the session's ttl anew. */
  setMap(id: string, data: SessionData, ttl: number, options?: CallOptions): Promise<void>

  /** Removes one key. A missing key or session is not an error. */
  remove(id: string, key: string, options?: CallOptions): Promise<void>

  /** Removes the whole session. A missing session is not an error. */
  removeAll(id: string, options?: CallOptions): Promise<void>

  /** The whole session, `undefined` or `null` when it does not exist or has outlived its ttl. */
  getSession(
    id: string,
    ttl: number,
    options?: CallOptions,
  ): Promise<SessionData | undefined | null>

  /** Stores the whole session in place of what was there, and starts its ttl anew. */
  setSession(id: string, data: SessionData, ttl: number, options?: CallOptions): Promise<void>

  /** Starts the ttl of an existing session anew. Never creates one. */
  updateTTL(id: string, ttl: number, options?: CallOptions): Promise<void>

  /** Stops timers and lets go of what is open. Called by `manager.close()`. */
  close?(): Promise<void>
}
