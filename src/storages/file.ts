import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData } from '../core/changes.ts'
import { type Clock, monotonicTime, nextTurn, systemClock } from '../core/clock.ts'
import { type Duration, parseDuration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { isSessionId } from '../core/session-id.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { isPromise } from '../core/thenable.ts'
import { aesGcm, type EncryptionKey } from './aes-gcm.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { type FileCipher, plainText } from './file-cipher.ts'
import { Failures } from './file-error.ts'
import { defaultFolder, SessionFolder } from './file-folder.ts'
import type { FileRecord } from './file-record.ts'
import { FileRecords } from './file-records.ts'
import { FileSweeper } from './file-sweeper.ts'
import { FileWatch } from './file-watch.ts'
import { goframeCipher } from './goframe-cipher.ts'

export interface StorageFileOptions {
  /**
   * The folder of the session files. It is made, for this user alone, if it does not exist.
   *
   * @default a folder of this user and this program, under XDG_STATE_HOME or ~/.local/state
   */
  path?: string
  /**
   * Encrypts what is stored. `keys`: AES-256-GCM; the first key encrypts, all of them decrypt.
   * `insecureGoFrame`: GoFrame's own cipher with its public key, only to share such files with Go.
   *
   * @default no encryption
   */
  encryption?: { readonly keys: readonly EncryptionKey[] } | { readonly insecureGoFrame: true }
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
  /** The longest ttl seen: what is older than that may be cleared. */
  #longestTtl = 0
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
    this.#watch = new FileWatch(id => this.#records.exists(id))
  }

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    this.#check(id, ttl)
    return this.#records.change(id, async held => {
      if (this.#isAlive(held.record, ttl)) return false
      await held.store({ usedAt: this.clock(), data })
      return true
    })
  }

  /** Answers at once when it can, and rejects when it fails: it never throws. */
  load(id: string, ttl: number): Awaitable<Loaded | undefined> {
    try {
      this.#check(id, ttl)
      const record = this.#records.read(id)
      if (isPromise(record)) return record.then(later => this.#loaded(later, ttl))
      return this.#loaded(record, ttl)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async merge(id: string, changes: Changes, ttl: number): Promise<boolean> {
    this.#check(id, ttl)
    return this.#records.change(id, async held => {
      if (!this.#isAlive(held.record, ttl)) return false
      await held.store({ usedAt: this.clock(), data: applyChanges(held.record.data, changes) })
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
      if (!this.#isAlive(old.record, ttl)) return 'absent'
      if (this.#isAlive(fresh.record, ttl)) return 'taken'
      await fresh.store({ usedAt: this.clock(), data: applyChanges(old.record.data, changes) })
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
    await this.#records.change(id, held => held.remove())
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
    return this.#records.change(id, held => held.store({ usedAt: this.clock(), data }))
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

  #loaded(record: FileRecord | undefined, ttl: number): Loaded | undefined {
    if (!this.#isAlive(record, ttl)) return undefined
    return { data: record.data, expiresAt: record.usedAt + ttl }
  }

  #isAlive(record: FileRecord | undefined, ttl: number): record is FileRecord {
    return record !== undefined && record.usedAt + ttl >= this.clock()
  }

  /** A session that had expired by then stays so, and a later use is not undone. */
  async #refresh(id: string, time: number, ttl: number): Promise<void> {
    if (!this.#records.exists(id)) return
    await this.#records.change(id, async ({ record, store }) => {
      if (record === undefined || record.usedAt >= time || record.usedAt + ttl < time) return
      await store({ usedAt: time, data: record.data })
    })
  }

  #check(id: string, ttl: number): void {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    // Whoever calls, no path is made of anything but an id.
    if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')
    if (this.#longestTtl === 0) this.#sweeper.start()
    if (ttl > this.#longestTtl) this.#longestTtl = ttl
  }

  #makeSweeper(interval: number): FileSweeper {
    const target = {
      folder: this.path,
      locks: this.#records.locks,
      mayBeExpired: (changedAt: number) =>
        this.#longestTtl > 0 && changedAt + this.#longestTtl < this.clock(),
      removeExpired: (id: string) =>
        this.#records.change(id, async held => {
          if (this.#isAlive(held.record, this.#longestTtl)) return false
          await held.remove()
          return true
        }),
    }
    return new FileSweeper(target, interval)
  }
}

function chooseCipher(encryption: StorageFileOptions['encryption']): FileCipher {
  if (encryption === undefined) return plainText
  if ('keys' in encryption) return aesGcm(encryption.keys)
  if (encryption.insecureGoFrame === true) return goframeCipher
  return refuseOption('encryption', '{ keys } or { insecureGoFrame: true }', encryption)
}
