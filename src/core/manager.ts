import { type Clock, systemClock } from './clock.ts'
import { type Duration, parseDurationOrZero, parseTtl } from './duration.ts'
import { isError, SessionError, storageError } from './errors.ts'
import { LimitedStorage } from './limited-storage.ts'
import { type Advice, refuseOption, refuseUnknownOptions } from './options.ts'
import { RefreshQueue } from './refresh-queue.ts'
import { Session } from './session.ts'
import type { SessionContext, SessionObserver } from './session-context.ts'
import { hashSessionId, isSessionId } from './session-id.ts'
import { SessionWatches } from './session-watches.ts'
import type { Storage } from './storage.ts'
import { guarded, warn } from './warn.ts'

export interface ManagerOptions {
  /**
   * How long a session lives after its last use.
   *
   * @default '24h'
   */
  ttl?: Duration
  /** Where sessions are kept. With `gsession` the default is `new StorageFile()`. */
  storage?: Storage
  /**
   * What storages are handed as the id. `'hashed'`: its SHA-256, so that a listing, a backup or a
   * dump of the storage logs nobody in (OWASP, CVE-2019-16782). `'plain'`: the id itself, which is
   * what GoFrame does; choose it to share sessions with Go.
   *
   * @default 'hashed'
   */
  idAtRest?: 'hashed' | 'plain'
  /**
   * How long the sliding of a ttl may wait to be written together with others. A tenth of the ttl
   * is the limit, so that no session expires that is used at least every nine tenths of its ttl.
   * With 0 nothing waits: it is written by the read itself, for processes that are frozen after
   * their answer, such as Lambda. {@link Manager.flush} is the other way.
   *
   * @default '10s'
   */
  refreshInterval?: Duration
  /**
   * How long the storage may take for a call. When that is over, the call fails with `ERR_STORAGE`, and
   * the `signal` that a custom storage is handed is aborted. A storage's own limit, as the Redis
   * storages have one, counts where it is shorter. 0: no limit.
   *
   * @default '10s'
   */
  timeout?: Duration
  /**
   * Hears of a failure that no request can be told of: a batch of ttl refreshes that could not be
   * written, and will be tried again; a change that came after the response, and could not be saved. When
   * it fails itself, the first failure goes to `process.emitWarning`.
   *
   * @default process.emitWarning
   */
  onBackgroundError?: (error: Error) => void
  /** @default Date.now */
  clock?: Clock
}

const OPTIONS = [
  'ttl',
  'storage',
  'idAtRest',
  'refreshInterval',
  'timeout',
  'onBackgroundError',
  'clock',
] as const

/** What to write in place of the options of other packages. */
const FOREIGN: Advice = {
  store: 'write `storage`',
  maxAge: 'write `ttl`',
  expires: 'write `ttl`',
  secret: 'leave it out: ids are random, and nothing is signed',
}

/** The same manager with a storage in any case; `gsession`'s `Manager` knows the default. */
export interface ManagerOptionsWithStorage extends ManagerOptions {
  storage: Storage
}

/**
 * Makes the sessions of one application: holds their ttl and their storage, and gathers ttl
 * refreshes. Make one at start, and `close` it at the end.
 */
export class Manager<Data extends object = Record<string, unknown>> implements AsyncDisposable {
  readonly #idAtRest: (id: string) => string
  readonly #refreshes: RefreshQueue
  readonly #context: SessionContext
  readonly #watches: SessionWatches
  readonly #clock: Clock
  readonly #onBackgroundError: (error: Error) => void
  readonly #timeout: number
  #ttl: number
  #storage: LimitedStorage

  /** @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take */
  constructor(options: ManagerOptionsWithStorage) {
    refuseUnknownOptions(options, OPTIONS, undefined, FOREIGN)
    const {
      ttl = '24h',
      idAtRest = 'hashed',
      refreshInterval = '10s',
      clock = systemClock,
    } = options
    if (idAtRest !== 'hashed' && idAtRest !== 'plain') {
      refuseOption('idAtRest', "'hashed' or 'plain'", idAtRest)
    }
    this.#idAtRest = idAtRest === 'hashed' ? hashSessionId : id => id
    if (typeof clock !== 'function') refuseOption('clock', 'a function', clock)
    this.#clock = clock
    this.#ttl = parseTtl(ttl)
    this.#timeout = parseDurationOrZero('timeout', options.timeout ?? '10s')
    this.#storage = new LimitedStorage(checkStorage(options.storage), this.#timeout)
    const { onBackgroundError = warn } = options
    if (typeof onBackgroundError !== 'function') {
      refuseOption('onBackgroundError', 'a function', onBackgroundError)
    }
    this.#onBackgroundError = guarded('onBackgroundError', onBackgroundError)
    this.#refreshes = this.#makeRefreshQueue(
      parseDurationOrZero('refreshInterval', refreshInterval),
    )
    this.#context = this.#makeContext()
    this.#watches = this.#makeWatches()
  }

  /** How long a session lives after its last use, in milliseconds. Setting it takes a {@link Duration}. */
  get ttl(): number {
    return this.#ttl
  }

  set ttl(ttl: Duration) {
    this.#ttl = parseTtl(ttl)
  }

  /** Where sessions are kept. A new one serves all sessions that start after it was set. */
  get storage(): Storage {
    return this.#storage.storage
  }

  set storage(storage: Storage) {
    const limited = new LimitedStorage(checkStorage(storage), this.#timeout)
    // What was used so far is in the storage so far.
    void this.#refreshes.flushInBackground()
    this.#storage = limited
  }

  /**
   * The session of an id, or a new one. No I/O happens, and no id is made, until the session is
   * used. An id that the storage does not know is never adopted: what is then set begins a session
   * under a fresh id. So does an `id` that has not the shape of one, which is the same as none.
   */
  new(id?: string): Session<Data> {
    return new Session<Data>(this.#context, id, undefined)
  }

  /**
   * Calls `ended` once the session ends: when it is removed, when it moves to a new id, or expires, by
   * whichever process; when there is none, soon after the call. For connections that live longer
   * than a request. To watch a session does not count as a use of it.
   *
   * `StorageMemory` and both Redis storages tell of it at once; in `StorageFile` it is seen within
   * about a second, in a custom storage without `watch` within five. A failing storage ends no session:
   * that goes to `onBackgroundError`. Stays with the storage that the manager has now.
   *
   * @returns what ends the watch. So does `close`, which tells nobody. It keeps no process alive.
   * @throws {@link SessionError} `ERR_ID` for what is no id
   */
  watch(id: string, ended: () => void): () => void {
    if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')
    return this.#watches.begin(this.#idAtRest(id), guarded('watch', ended))
  }

  /**
   * The time, as the manager's clock tells it.
   *
   * @internal
   */
  now(): number {
    return this.#clock()
  }

  /**
   * A session for an adapter, which knows the id and watches what is done.
   *
   * @internal
   */
  open(observer: SessionObserver): Session<Data> {
    return new Session<Data>(this.#context, undefined, observer)
  }

  /**
   * Reports a failure that no request can be told of.
   *
   * @internal
   */
  failedInBackground(error: unknown): void {
    this.#onBackgroundError(isError(error) ? error : storageError(error))
  }

  /**
   * Writes the ttl refreshes that wait, and waits for those that are being written: for a process that
   * is frozen after its answer, or exits without {@link close}.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when they could not be written. They are tried again later
   */
  flush(): Promise<void> {
    return this.#refreshes.flush()
  }

  /**
   * Ends all watches, waits for the ttl refreshes that are being written, writes those that wait, and
   * closes the storage. Sessions must not be used after it.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when the refreshes could not be written
   */
  async close(): Promise<void> {
    this.#watches.close()
    try {
      await this.#refreshes.close()
    } finally {
      await this.#storage.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeRefreshQueue(refreshInterval: number): RefreshQueue {
    const manager = this
    return new RefreshQueue({
      refreshInterval,
      now: this.#clock,
      get ttl() {
        return manager.#ttl
      },
      async refresh(accessedAt) {
        try {
          await manager.#storage.refresh(accessedAt, manager.#ttl)
        } catch (error) {
          throw storageError(error)
        }
      },
      failed: error => manager.failedInBackground(error),
    })
  }

  #makeWatches(): SessionWatches {
    const manager = this
    return new SessionWatches({
      now: this.#clock,
      get ttl() {
        return manager.#ttl
      },
      get storage() {
        return manager.#storage
      },
      failed: error => manager.failedInBackground(storageError(error)),
    })
  }

  #makeContext(): SessionContext {
    const manager = this
    return {
      get ttl() {
        return manager.#ttl
      },
      get storage() {
        return manager.#storage
      },
      idAtRest: this.#idAtRest,
      used: (id, expiresAt) => manager.#refreshes.add(id, expiresAt),
      written: id => manager.#refreshes.forget(id),
      failed: error => manager.failedInBackground(error),
    }
  }
}

function checkStorage(storage: Storage): Storage {
  const isStorage =
    typeof storage?.getSession === 'function' && typeof storage.setSession === 'function'
  return isStorage ? storage : refuseOption('storage', 'a Storage', storage)
}
