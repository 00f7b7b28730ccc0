import { renameSync, type Stats } from 'node:fs'
import { join, sep } from 'node:path'
import type { Awaitable } from '../core/atomic-storage.ts'
import { pause } from '../core/clock.ts'
import { hasCode, SessionError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { FileCache } from './file-cache.ts'
import { flushPath, isSameFile, removeIfThere, statIfThere, whenNotInUse } from './file-calls.ts'
import type { FileCipher } from './file-cipher.ts'
import { fileError, isFullDisk } from './file-error.ts'
import type { SessionFolder } from './file-folder.ts'
import { FileLock, LockLost } from './file-lock.ts'
import { FileLocks } from './file-locks.ts'
import { readWholeFile, type WholeFile } from './file-reading.ts'
import { decodeFile, decodeTime, encodeFile, type FileRecord, HEADER_BYTES } from './file-record.ts'
import { LoopPace } from './loop-pace.ts'

export const SESSION_SUFFIX = '.session'
/** Of a record that makes no sense, kept for somebody to look at. */
export const UNREADABLE_SUFFIX = '.unreadable'
const ATTEMPTS = 5
/**
 * GoFrame writes in place: a record that makes no sense yet may do so a moment later. Between emptying
 * the file and filling it, a busy machine or disk may hold GoFrame up for some hundred milliseconds.
 */
const WRITING_TIME = 1000
const WRITING_PAUSE = 20
/** The times of two files of a session differ by more than half of that: see `timeAfter`. */
const SAME_TIME = 0.002

/** The record makes no sense, but it changed just now: somebody may be in the middle of writing it. */
class HalfWritten extends Error {}

/** A session's record, held against all other processes until the work with it is done. */
export interface HeldRecord {
  readonly record: FileRecord | undefined
  store(record: FileRecord): Promise<void>
  remove(): Promise<void>
}

/** The session files of one folder: reading them, and changing them one process at a time. */
export class FileRecords {
  readonly locks: FileLocks
  readonly #folder: SessionFolder
  readonly #cipher: FileCipher
  readonly #durable: boolean
  readonly #cache: FileCache
  /** Within this process the lock passes from one to the next, and only the first waits for others. */
  readonly #queue = new KeyedQueue()
  readonly #pace = new LoopPace()

  constructor(folder: SessionFolder, cipher: FileCipher, durable: boolean, maxCached: number) {
    this.locks = new FileLocks(folder)
    this.#folder = folder
    this.#cipher = cipher
    this.#durable = durable
    this.#cache = new FileCache(maxCached)
  }

  /**
   * The record of a session, from memory if its file has not changed. Answers at once, but for a
   * record that makes no sense: that is waited for, and in the end put aside.
   */
  read(id: string): Awaitable<FileRecord | undefined> {
    try {
      return this.#read(id, this.#look(id))
    } catch (error) {
      if (error instanceof HalfWritten || isUnreadable(error)) return this.#readPatiently(id)
      throw fileError(error)
    }
  }

  /** Whether there is a file for this session, whatever it says. */
  exists(id: string): boolean {
    try {
      return this.#look(id) !== undefined
    } catch (error) {
      throw fileError(error)
    }
  }

  /** Does some work with a record that nobody else can change meanwhile. It may run again. */
  change<T>(id: string, work: (held: HeldRecord) => Awaitable<T>): Promise<T> {
    return this.#queue.run(id, () => this.#pace.run(() => this.#change(id, work)))
  }

  /** Does some work with two records. All take them in the same order, or two could wait for each other. */
  changeBoth<T>(
    id: string,
    otherId: string,
    work: (held: HeldRecord, other: HeldRecord) => Awaitable<T>,
  ): Promise<T> {
    if (id > otherId) return this.changeBoth(otherId, id, (other, held) => work(held, other))
    // The one that is held already must not wait for its turn.
    const withOther = (held: HeldRecord) => () => this.#change(otherId, other => work(held, other))
    return this.change(id, held => this.#queue.run(otherId, withOther(held)))
  }

  /**
   * Removes the session's file, if it is one to remove, and tells whether it did. On a disk that has
   * no room for a lock, too.
   *
   * @param isToGo - asked of what the file says; without it, whatever it says
   */
  async removeIf(
    id: string,
    isToGo?: (record: FileRecord | undefined) => boolean,
  ): Promise<boolean> {
    let isRemoved = false
    const removeHeld = async (held: HeldRecord): Promise<void> => {
      if (isToGo !== undefined && !isToGo(held.record)) return
      await held.remove()
      isRemoved = true
    }
    for (;;) {
      try {
        await this.change(id, removeHeld)
        return isRemoved
      } catch (error) {
        if (!isFullDisk(error)) throw error
        // The room for the lock, under which the same is then done in order, is that of the file itself.
        if (!this.#makeRoom(id, isToGo)) return isRemoved
        isRemoved = true
      }
    }
  }

  #makeRoom(id: string, isToGo?: (record: FileRecord | undefined) => boolean): boolean {
    try {
      const stats = this.#look(id)
      if (stats === undefined) return false
      if (isToGo !== undefined && !isToGo(this.#read(id, stats))) return false
      const path = this.#pathOf(id)
      if (isSameFile(stats, statIfThere(path))) removeIfThere(path)
      this.#cache.forget(id)
      return true
    } catch (error) {
      throw fileError(error)
    }
  }

  async #change<T>(id: string, work: (held: HeldRecord) => Awaitable<T>): Promise<T> {
    let losses = 0
    for (;;) {
      try {
        return await this.#changeOnce(id, work)
      } catch (error) {
        if (error instanceof HalfWritten) await pause(WRITING_PAUSE)
        // The loss of another lock, held around this one, is for its own holder to deal with.
        else if (!(error instanceof LockLost && error.id === id)) throw fileError(error)
        else if (++losses === ATTEMPTS) throw lostTooOften()
      }
    }
  }

  async #changeOnce<T>(id: string, work: (held: HeldRecord) => Awaitable<T>): Promise<T> {
    const lock = await FileLock.take(this.locks, id)
    let damage: unknown
    try {
      const stats = this.#statOf(id)
      const read = once(() => {
        try {
          return this.#read(id, stats)
        } catch (error) {
          if (isUnreadable(error)) damage = error
          throw error
        }
      })
      return await work({
        get record() {
          return read()
        },
        store: changed => this.#store(lock, id, changed, timeAfter(stats)),
        remove: () => this.#remove(lock, id, stats),
      })
    } catch (error) {
      if (damage !== undefined && error === damage) await this.#putAside(id)
      throw error
    } finally {
      await lock.release()
    }
  }

  async #store(lock: FileLock, id: string, record: FileRecord, time: number): Promise<void> {
    const bytes = encodeFile(id, record, this.#cipher)
    const stats = await lock.store(bytes, this.#pathOf(id), time, this.#durable)
    // A disk that does not keep the time to the microsecond does not tell two files apart by it.
    const isTold = Math.abs(stats.mtimeMs - time) < SAME_TIME
    if (isTold) this.#cache.noteWritten(id, record, stats)
    else this.#cache.noteRead(id, record, stats)
    if (this.#durable) await flushPath(this.#folder.path)
  }

  async #remove(lock: FileLock, id: string, stats: Stats | undefined): Promise<void> {
    if (stats !== undefined) await lock.remove(this.#pathOf(id))
    this.#cache.forget(id)
    // A removal survives a power failure once the folder is on the disk.
    if (this.#durable) await flushPath(this.#folder.path)
  }

  async #putAside(id: string): Promise<void> {
    const path = this.#pathOf(id)
    await whenNotInUse(() => renameSync(path, join(this.#folder.path, id + UNREADABLE_SUFFIX)))
    this.#cache.forget(id)
  }

  async #readPatiently(id: string): Promise<FileRecord | undefined> {
    for (;;) {
      try {
        return this.#read(id, this.#look(id))
      } catch (error) {
        if (isUnreadable(error)) return this.change(id, held => held.record)
        if (!(error instanceof HalfWritten)) throw fileError(error)
        await pause(WRITING_PAUSE)
      }
    }
  }

  #read(id: string, stats: Stats | undefined): FileRecord | undefined {
    if (stats === undefined) {
      this.#cache.forget(id)
      return undefined
    }
    return this.#cache.get(id, stats) ?? this.#readFile(id)
  }

  #readFile(id: string): FileRecord | undefined {
    const file = readWholeFile(this.#pathOf(id), stats => this.#folder.checkFile(stats))
    if (file === undefined) {
      this.#folder.check()
      return undefined
    }
    const record = this.#decode(id, file)
    if (record !== undefined) this.#cache.noteRead(id, record, file.stats)
    return record
  }

  #decode(id: string, file: WholeFile): FileRecord | undefined {
    const changedJustNow = Math.abs(Date.now() - file.stats.mtimeMs) < WRITING_TIME
    if (changedJustNow && isUnfinished(file.bytes)) throw new HalfWritten()
    try {
      return decodeFile(id, file.bytes, this.#cipher)
    } catch (error) {
      throw changedJustNow ? new HalfWritten() : error
    }
  }

  /** What the file looks like. That there is none is an answer as long as its folder is there. */
  #look(id: string): Stats | undefined {
    const stats = this.#statOf(id)
    if (stats === undefined) this.#folder.check()
    return stats
  }

  #statOf(id: string): Stats | undefined {
    const stats = statIfThere(this.#pathOf(id))
    if (stats !== undefined) this.#folder.checkFile(stats)
    return stats
  }

  #pathOf(id: string): string {
    return this.#folder.path + sep + id + SESSION_SUFFIX
  }
}

/** No header, nothing after it, or a hole in its place, which one writer of GoFrame's leaves another. */
function isUnfinished(bytes: Buffer): boolean {
  return bytes.length <= HEADER_BYTES || decodeTime(bytes) === 0
}

/**
 * The time of a file that takes the place of another: now, but later than that one's by a microsecond
 * at least, so that no two files of a session have the same time: see FileCache. Chance does the same
 * for a session that is removed and begun again.
 */
function timeAfter(previous: Stats | undefined): number {
  const now = Date.now() + Math.random()
  return previous === undefined ? now : Math.max(now, previous.mtimeMs + 0.002)
}

function once<T>(fn: () => T): () => T {
  let answer: { readonly value: T } | undefined
  return () => {
    answer ??= { value: fn() }
    return answer.value
  }
}

function lostTooOften(): SessionError {
  const message = `Others took over the lock of the session file ${ATTEMPTS} times`
  return new SessionError('ERR_CONFLICT', message)
}

function isUnreadable(error: unknown): boolean {
  return hasCode(error, 'ERR_UNREADABLE')
}
