import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData } from '../core/changes.ts'
import { type Clock, monotonicTime, nextTurn, systemClock } from '../core/clock.ts'
import { type Duration, parseDuration } from '../core/duration.ts'
import { SessionError, unreadable } from '../core/errors.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { isSessionId } from '../core/session-id.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { isPromise } from '../core/thenable.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { chooseCipher, type FileEncryption } from './file-encryption.ts'
import { Failures } from './file-error.ts'
import { defaultFolder, SessionFolder } from './file-folder.ts'
import { FileLife, isAhead } from './file-life.ts'
import type { FileRecord } from './file-record.ts'
import { FileRecords, type HeldRecord } from './file-records.ts'
import { FileSweeper } from './file-sweeper.ts'
import { FileWatch } from './file-watch.ts'

export interface StorageFileOptions {
  /**
   * The folder of the session files. It is made, for this user alone, if it does not exist.
   *
   * @default a folder of this user and this program, under XDG_STATE_HOME or ~/.local/state
   */
  path?: string
  /**
   * Encrypts what is stored. `keys`: AES-256-GCM; the first key encrypts, all of them decrypt. Records
   * of other keys, or without encryption, are `ERR_UNREADABLE` and stay where they are.
   * `insecureGoFrame`: GoFrame's own cipher with its public key, only to share such files with Go.
   *
   * @default no encryption
   */
  encryption?: FileEncryption
  /**
   * What a stored session survives. `'process'`: the end of this process, `kill -9` included.
   * `'power'`: a power failure too, for an fsync of file and folder at each write.
   *
   * @default 'process'
   */
  durability?: 'process' | 'power'
  /**
   * How often expired sessions are cleared from the folder. They cannot be read anyway.
   *
   * @default '1h'
   */
  sweepInterval?: Duration
  /**
   * How many sessions to keep in memory, to be read without reading their file.
   *
   * @default 10000
   */
  maxCached?: number
  /** @default Date.now */
  clock?: Clock
}

const OPTIONS = ['path', 'encryption', 'durability', 'sweepInterval', 'maxCached', 'clock'] as const
/** How long a batch of refreshes works before other work gets a turn, in milliseconds. */
const REFRESH_SLICE = 2

/**
 * Keeps sessions in files, one each, in GoFrame's format. Survives restarts and crashes; several
 * processes of one machine may share the folder. Sessions in use are served from memory, after a
 * look at the file that takes microseconds.
 *
 * Reading and writing are synchronous calls on small files, which is several times faster than
 * asynchronous ones; the folder belongs on a local disk.
 */
export class StorageFile extends BuiltInStorage implements WatchableStorage {
  /** The folder of the session files. */
  readonly path: string
  readonly #records: FileRecords
  readonly #sweeper: FileSweeper
  readonly #watch: FileWatch
  readonly #life: FileLife
  #closed = false

  /**
   * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take; `ERR_STORAGE`
   * when the folder cannot be made, is not this user's, or can be written by others
   */
  constructor(options: StorageFileOptions = {}) {
    refuseUnknownOptions(options, OPTIONS)
    super(options.clock ?? systemClock)
    const { durability = 'process', sweepInterval = '1h', maxCached = 10_000 } = options
    if (durability !== 'process' && durability !== 'power') {
      refuseOption('durability', "'process' or 'power'", durability)
    }
    if (!Number.isInteger(maxCached) || maxCached < 1) {
      refuseOption('maxCached', 'a whole number from 1 on', maxCached)
    }
    const interval = parseDuration('sweepInterval', sweepInterval)
    const cipher = chooseCipher(options.encryption)
    const folder = new SessionFolder(options.path ?? defaultFolder())
    this.path = folder.path
    this.#records = new FileRecords(folder, cipher, durability === 'power', maxCached)
    this.#sweeper = this.#makeSweeper(interval)
    this.#life = new FileLife(this.clock)
    this.#watch = new FileWatch(id => this.#records.exists(id))
  }

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    this.#check(id, ttl)
    return this.#records.change(id, async held => {
      if (this.#life.isAlive(held.record, ttl)) return false
      await held.store({ usedAt: this.clock(), data })
      return true
    })
  }

  /** Answers at once when it can, and rejects when it fails: it never throws. */
  load(id: string, ttl: number): Awaitable<Loaded | undefined> {
    try {
      this.#check(id, ttl)
      const record = this.#records.read(id)
      if (isPromise(record)) return record.then(later => this.#loaded(id, later, ttl))
      return this.#loaded(id, record, ttl)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async merge(id: string, changes: Changes, ttl: number): Promise<boolean> {
    this.#check(id, ttl)
    return this.#records.change(id, async held => {
      const record = await this.#life.living(held, ttl)
      if (record === undefined) return false
      await held.store({ usedAt: this.clock(), data: applyChanges(record.data, changes) })
      return true
    })
  }

  async rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
  ): Promise<Rotation> {
    this.#check(id, ttl)
    this.#check(newId, ttl)
    if (newId === id) return 'taken'
    const rotation = await this.#records.changeBoth(id, newId, async (old, fresh) => {
      const record = await this.#life.living(old, ttl)
      if (record === undefined) return 'absent'
      if (this.#life.isAlive(fresh.record, ttl)) return 'taken'
      await fresh.store({ usedAt: this.clock(), data: applyChanges(record.data, changes) })
      if (!keepOld) await old.remove()
      return 'rotated'
    })
    if (rotation === 'rotated' && !keepOld) this.#watch.tell(id)
    return rotation
  }

  async refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Promise<void> {
    const failures = new Failures()
    let sliceEnd = monotonicTime() + REFRESH_SLICE
    for (const [id, time] of accessedAt) {
      this.#check(id, ttl)
      await failures.gather(() => this.#refresh(id, time, ttl))
      if (monotonicTime() < sliceEnd) continue
      await nextTurn()
      sliceEnd = monotonicTime() + REFRESH_SLICE
    }
    failures.throwFirst()
  }

  async destroy(id: string): Promise<void> {
    this.#check(id, 0)
    if (!this.#records.exists(id)) return
    await this.#records.removeIf(id)
    this.#watch.tell(id)
  }

  /**
   * Calls `look` when the session's file is gone: at once when this process removed it, else within
   * about a second.
   */
  watch(id: string, look: () => void): () => void {
    return this.#watch.add(id, look)
  }

  protected async replace(id: string, data: EncodedData, ttl: number): Promise<void> {
    this.#check(id, ttl)
    return this.#records.change(id, held => {
      this.#life.isAlive(held.record, ttl)
      return held.store({ usedAt: this.clock(), data })
    })
  }

  /**
   * Clears expired sessions now, what killed processes left behind, and what was put aside as
   * unreadable 30 days ago. Happens by itself every `sweepInterval`; yields to other work, and never
   * removes a session that was used meanwhile. A storage that was not used yet was told no ttl, so
   * that nothing is expired for it.
   *
   * @returns how many sessions were removed
   * @throws {@link SessionError} `ERR_STORAGE` or `ERR_UNREADABLE` when a file could not be cleared;
   * the others were
   */
  sweep(): Promise<number> {
    return this.#sweeper.sweep()
  }

  /** Stops the clean-up. Using the storage afterwards is an error. */
  async close(): Promise<void> {
    this.#closed = true
    this.#sweeper.stop()
    this.#watch.close()
  }

  #loaded(id: string, record: FileRecord | undefined, ttl: number): Awaitable<Loaded | undefined> {
    if (record === undefined) return undefined
    const now = this.clock()
    const end = this.#life.endOf(record, ttl, now)
    if (end < now || isAhead(record, now)) return this.#settle(id, record, ttl)
    if (record.foreign !== undefined) throw unreadable(record.foreign)
    return { data: record.data, expiresAt: end }
  }

  /**
   * Removes a session that is seen to have expired, and notes a use that lies ahead as one of now: both
   * stay so though the clock is set again. The request that sees it does not fail when that fails.
   */
  async #settle(id: string, seen: FileRecord, ttl: number): Promise<Loaded | undefined> {
    const settle = (held: HeldRecord): Promise<FileRecord | undefined> =>
      this.#life.settle(held, ttl)
    const record = await this.#records.change(id, settle).catch(() => seen)
    if (!this.#life.isAlive(record, ttl)) return undefined
    return { data: record.data, expiresAt: this.#life.endOf(record, ttl, this.clock()) }
  }

  /** A session that had expired by then stays so, and a later use is not undone. */
  async #refresh(id: string, time: number, ttl: number): Promise<void> {
    if (!this.#records.exists(id)) return
    await this.#records.change(id, async held => {
      const { record } = held
      if (record === undefined) return
      if (this.#life.endOf(record, ttl, time) < time) return held.remove()
      if (record.foreign !== undefined) throw unreadable(record.foreign)
      if (record.usedAt >= time && !isAhead(record, this.clock())) return
      await held.store({ usedAt: time, data: record.data })
    })
  }

  #check(id: string, ttl: number): void {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    // Whoever calls, no path is made of anything but an id.
    if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')
    if (this.#life.longestTtl === 0) this.#sweeper.start()
    if (ttl > 0) this.#life.note(ttl)
  }

  #makeSweeper(interval: number): FileSweeper {
    const target = {
      folder: this.path,
      locks: this.#records.locks,
      mayBeExpired: (changedAt: number) => {
        const now = this.clock()
        return (
          this.#life.longestTtl > 0 && (changedAt + this.#life.longestTtl < now || changedAt > now)
        )
      },
      removeExpired: (id: string) => this.#sweep(id),
    }
    return new FileSweeper(target, interval)
  }

  /** By the longest ttl: another process that shares the folder may know no shorter one. */
  async #sweep(id: string): Promise<boolean> {
    const ttl = this.#life.longestTtl
    const isExpired = (record: FileRecord | undefined): boolean =>
      record === undefined || record.usedAt + ttl < this.clock()
    const isRemoved = await this.#records.removeIf(id, isExpired)
    const record = isRemoved ? undefined : await this.#records.read(id)
    if (record !== undefined && isAhead(record, this.clock())) {
      await this.#records.change(id, held => this.#life.settle(held, ttl))
    }
    return isRemoved
  }
}
