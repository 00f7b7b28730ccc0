import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsync,
  futimesSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { monotonicTime, pause } from '../core/clock.ts'
import { codeOf, SessionError } from '../core/errors.ts'
import {
  flushPath,
  isInUse,
  isRefused,
  isSameFile,
  removeIfThere,
  statIfThere,
  whenNotInUse,
} from './file-calls.ts'
import { type FileLocks, nameOfLock } from './file-locks.ts'

/** How long a lock is its holder's alone. One that stands still for longer was left by a dead process. */
export const LEASE = 1000
/** How long to wait for a lock that keeps changing hands. */
const PATIENCE = 10_000
const LONGEST_PAUSE = 8
const REMOVED_SUFFIX = '.removed'
const OTHERS = 0o077
const FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

const flush = promisify(fsync)

/** The lock was taken away while it was held: what was read under it may be old. Start again. */
export class LockLost extends Error {
  readonly id: string

  constructor(id: string) {
    super()
    this.id = id
  }
}

/**
 * The sole right to change one session file, against all processes. The lock is a file that only one
 * can create, and that becomes the new session file: renaming it stores and unlocks in one step, at no
 * more system calls than any atomic write.
 *
 * Whatever is done with the lock in hand goes by the lock's path, and {@link FileLocks} sees to it
 * that this path leads nowhere once others may have the lock.
 */
export class FileLock {
  readonly #locks: FileLocks
  readonly #id: string
  readonly #descriptor: number
  readonly #since: number
  #path: string
  /** What the file looks like, once its descriptor is closed. */
  #stats: Stats | undefined
  #isOpen = true
  #isStored = false

  private constructor(locks: FileLocks, id: string) {
    this.#locks = locks
    this.#id = id
    this.#path = locks.pathOf(id)
    // Before the file is there: a process that is stopped right after must not think the lock young.
    this.#since = monotonicTime()
    this.#descriptor = openSync(this.#path, FLAGS, 0o600)
  }

  /**
   * Waits until the lock is free and takes it. A lock left by a killed process is taken away after a
   * second.
   *
   * @throws {@link SessionError} `ERR_CONFLICT` when others held it for ten seconds
   */
  static async take(locks: FileLocks, id: string): Promise<FileLock> {
    const wait = new LockWait(locks, id)
    for (;;) {
      const lock = FileLock.#tryTake(locks, id)
      if (lock !== undefined) return lock
      await wait.pause()
    }
  }

  static #tryTake(locks: FileLocks, id: string): FileLock | undefined {
    try {
      return new FileLock(locks, id)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') locks.refresh()
      else if (code !== 'EEXIST' && !isInUse(error)) throw error
      return undefined
    }
  }

  /**
   * Stores the bytes as the session file and gives up the lock.
   *
   * @param time - what the file tells as the time of its last change, in milliseconds since 1970
   * @param durable - whether to wait until the disk has them, so that they survive a power failure
   * @returns what the file looks like
   * @throws {@link LockLost} when the lock was taken away; nothing was stored
   */
  async store(bytes: Buffer, target: string, time: number, durable: boolean): Promise<Stats> {
    // Work with two records that begins anew, since the other one's lock is lost: this one is used up.
    if (!this.#isOpen) throw new LockLost(this.#id)
    for (let written = 0; written < bytes.length; )
      written += writeSync(this.#descriptor, bytes, written)
    await this.#label(time)
    if (durable) await this.#flush()
    const stats = fstatSync(this.#descriptor)
    refuseOpenFile(stats)
    this.#stats = stats
    this.#close()
    await this.#whileHeld(() => renameSync(this.#path, target))
    this.#isStored = true
    return stats
  }

  /**
   * Removes the session file: takes it to the place of the lock first, since a removal by its own path
   * could come late and hit a newer one. Not over the lock itself, which file systems make slow so
   * that nothing is lost by it.
   *
   * @throws {@link LockLost} when the lock was taken away; nothing was removed
   */
  async remove(target: string): Promise<void> {
    await this.#whileHeld(() => {
      if (statIfThere(target) !== undefined) renameSync(target, this.#path + REMOVED_SUFFIX)
    })
    await whenNotInUse(() => removeIfThere(this.#path + REMOVED_SUFFIX))
  }

  /** Gives up the lock, if it is still held, with nothing stored. */
  async release(): Promise<void> {
    try {
      if (!this.#isStored) await this.#whileHeld(() => unlinkSync(this.#path))
    } catch (error) {
      if (!(error instanceof LockLost)) throw error
    } finally {
      if (this.#isOpen) this.#close()
    }
  }

  #close(): void {
    this.#isOpen = false
    closeSync(this.#descriptor)
  }

  /** The umask cannot take away what others need not have, nor give what they must not have. */
  async #label(time: number): Promise<void> {
    const seconds = time / 1000
    try {
      fchmodSync(this.#descriptor, 0o600)
      futimesSync(this.#descriptor, seconds, seconds)
    } catch (error) {
      if (!isRefused(error)) throw error
      await this.#labelPath(seconds)
    }
  }

  /** A disk that has no modes or times of its own keeps those that it gives. */
  async #labelPath(seconds: number): Promise<void> {
    try {
      await this.#whileHeld(() => chmodSync(this.#path, 0o600))
      await this.#whileHeld(() => utimesSync(this.#path, seconds, seconds))
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  async #flush(): Promise<void> {
    try {
      await flush(this.#descriptor)
    } catch (error) {
      if (!isRefused(error)) throw error
      await flushPath(this.#path)
    }
  }

  async #whileHeld(call: () => void): Promise<void> {
    for (;;) {
      try {
        this.#refuseLate()
        await whenNotInUse(call)
        return
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
        this.#follow()
      }
    }
  }

  /**
   * Where the folder of the locks can't be renamed, nothing but a look tells a process that was stopped
   * whether the lock is still its own.
   */
  #refuseLate(): void {
    if (monotonicTime() - this.#since <= LEASE / 2) return
    const found = statIfThere(this.#path)
    if (found !== undefined && !this.#isOwn(found)) throw new LockLost(this.#id)
  }

  #isOwn(found: Stats): boolean {
    return isSameFile(found, this.#stats ?? fstatSync(this.#descriptor))
  }

  /**
   * Finds the lock again when others had their locks taken away. Within half the lease it was not this
   * one that was meant; later, somebody may be about to remove it, and it counts as lost.
   */
  #follow(): void {
    this.#locks.refresh()
    const path = this.#locks.pathOf(this.#id)
    const found = statIfThere(path)
    const isOurs = found !== undefined && this.#isOwn(found)
    // Looked up after the look at the file, not before: this process may be stopped in between.
    if (!isOurs || monotonicTime() - this.#since > LEASE / 2) throw new LockLost(this.#id)
    this.#path = path
  }
}

/** @throws {@link SessionError} `ERR_STORAGE` when others could read the file; nothing is stored then */
function refuseOpenFile(stats: Stats): void {
  // Windows has no such modes.
  if (process.getuid === undefined || (stats.mode & OTHERS) === 0) return
  const message = 'The disk does not let a session file be made private'
  throw new SessionError('ERR_STORAGE', message)
}

/** Waiting for a lock, and taking it away from a holder that is dead. */
class LockWait {
  readonly #locks: FileLocks
  readonly #id: string
  readonly #since = monotonicTime()
  #pause = 1
  /** The lock as it was when it last changed, and when that was seen. */
  #seen: Stats | undefined
  #seenAt = 0

  constructor(locks: FileLocks, id: string) {
    this.#locks = locks
    this.#id = id
  }

  async pause(): Promise<void> {
    const now = monotonicTime()
    if (now - this.#since > PATIENCE) {
      throw new SessionError('ERR_CONFLICT', 'Others kept the session file locked for ten seconds')
    }
    const stats = statIfThere(this.#locks.pathOf(this.#id))
    if (stats === undefined) {
      // Windows shows no file that was removed while it was open, nor lets its name be taken.
      if (process.platform === 'win32') await pause(1)
      return
    }
    if (!stats.isFile()) {
      throw new SessionError('ERR_STORAGE', 'What stands in the place of a lock is no file')
    }
    if (!isSameFile(stats, this.#seen)) {
      this.#seen = stats
      this.#seenAt = monotonicTime()
    } else if (now - this.#seenAt > LEASE) {
      await this.#locks.takeAway(new Map([[nameOfLock(this.#id), stats]]))
    }
    await pause(this.#pause * (0.5 + Math.random()))
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
  }
}
