import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsync,
  futimesSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SessionError } from '../core/errors.ts'
import { codeOf } from './file-error.ts'

/** How long a lock is its holder's alone. One that stands still for longer was left by a dead process. */
const LEASE = 1000
/** How long to wait for a lock that keeps changing hands. */
const PATIENCE = 10_000
const LONGEST_PAUSE = 8
const FLAGS =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

const flush = promisify(fsync)

/** The lock was taken over while it was held: what was read under it may be old. Start again. */
export class LockLost extends Error {}

/**
 * The sole right to change one session file, against all processes. The lock is a file beside it that
 * only one can create, and that becomes the new session file: renaming it stores and unlocks in one
 * step, at no more system calls than any atomic write.
 */
export class FileLock {
  readonly #path: string
  readonly #descriptor: number
  readonly #since = performance.now()
  #held = true

  private constructor(path: string, descriptor: number) {
    this.#path = path
    this.#descriptor = descriptor
  }

  /**
   * Waits until the lock is free and takes it. A lock left by a killed process is taken over after a
   * second.
   *
   * @throws {@link SessionError} `ERR_CONFLICT` when others held it for ten seconds
   */
  static async take(path: string): Promise<FileLock> {
    const wait = new LockWait(path)
    for (;;) {
      const lock = FileLock.#tryTake(path)
      if (lock !== undefined) return lock
      await wait.pause()
    }
  }

  static #tryTake(path: string): FileLock | undefined {
    const descriptor = createFile(path)
    return descriptor === undefined ? undefined : new FileLock(path, descriptor)
  }

  /**
   * Stores the bytes as the session file and gives up the lock.
   *
   * @param time - what the file tells as the time of its last change, in milliseconds since 1970
   * @param durable - whether to wait until the disk has them, so that they survive a power failure
   * @returns what the file looks like
   * @throws {@link LockLost} when the lock was taken over; nothing was stored
   */
  async store(bytes: Buffer, target: string, time: number, durable: boolean): Promise<Stats> {
    for (let written = 0; written < bytes.length; )
      written += writeSync(this.#descriptor, bytes, written)
    // The umask cannot take away what others need not have, nor give what they must not have.
    fchmodSync(this.#descriptor, 0o600)
    futimesSync(this.#descriptor, time / 1000, time / 1000)
    if (durable) await flush(this.#descriptor)
    this.checkStillHeld()
    const stats = fstatSync(this.#descriptor)
    try {
      this.#close()
      renameSync(this.#path, target)
      return stats
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new LockLost()
      removeIfThere(this.#path)
      throw error
    }
  }

  /** Gives up the lock, if it is still held, with nothing stored. */
  release(): void {
    if (!this.#held) return
    try {
      if (this.#isOurs()) removeIfThere(this.#path)
    } finally {
      this.#close()
    }
  }

  /**
   * Within half the lease nobody may have taken it over, and there is nothing to look up.
   *
   * @throws {@link LockLost} when the lock was taken over
   */
  checkStillHeld(): void {
    if (performance.now() - this.#since > LEASE / 2 && !this.#isOurs()) throw new LockLost()
  }

  #close(): void {
    this.#held = false
    closeSync(this.#descriptor)
  }

  #isOurs(): boolean {
    return lstatSync(this.#path, { throwIfNoEntry: false })?.ino === fstatSync(this.#descriptor).ino
  }
}

/** Waiting for a lock, and taking it away from a holder that is dead. */
class LockWait {
  readonly #path: string
  readonly #since = performance.now()
  #pause = 1
  /** The lock as it was when it last changed, and when that was seen. */
  #seen: Stats | undefined
  #seenAt = 0

  constructor(path: string) {
    this.#path = path
  }

  async pause(): Promise<void> {
    const now = performance.now()
    const stats = lstatSync(this.#path, { throwIfNoEntry: false })
    if (stats === undefined) return
    if (!isSameFile(stats, this.#seen)) {
      this.#seen = stats
      this.#seenAt = now
    } else if (now - this.#seenAt > LEASE) {
      takeAway(this.#path, stats)
    }
    if (now - this.#since > PATIENCE) {
      throw new SessionError('ERR_CONFLICT', 'Others kept the session file locked for ten seconds')
    }
    await sleep(this.#pause * (0.5 + Math.random()))
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
  }
}

function isSameFile(a: Stats, b: Stats | undefined): boolean {
  return a.ino === b?.ino && a.mtimeMs === b.mtimeMs
}

/**
 * Removes a lock that a dead process left. One process does so at a time: else a second one, which
 * looked before and removes after, would take away the lock that the first has made since.
 */
function takeAway(path: string, left: Stats): void {
  const guard = `${path}.takeover`
  const descriptor = createFile(guard)
  if (descriptor === undefined) {
    removeIfOld(guard, LEASE)
    return
  }
  try {
    closeSync(descriptor)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && isSameFile(stats, left)) removeIfThere(path)
  } finally {
    removeIfThere(guard)
  }
}

/** Creates a file for this user alone. `undefined` when there is one already. */
function createFile(path: string): number | undefined {
  try {
    return openSync(path, FLAGS, 0o600)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined
    throw error
  }
}

/** Removes a file that was last changed that many milliseconds ago, or longer. */
export function removeIfOld(path: string, age: number): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.isFile() && Date.now() - stats.mtimeMs > age) removeIfThere(path)
}

/** Removes a file; one that is not there any more is as good. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
