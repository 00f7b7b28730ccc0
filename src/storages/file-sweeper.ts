import type { Dir, Stats } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { monotonicTime, nextTurn, pause, runLater, stopTimer } from '../core/clock.ts'
import { isSessionId } from '../core/session-id.ts'
import { removeIfThere, statIfThere } from './file-calls.ts'
import { Failures, fileError } from './file-error.ts'
import { LEASE } from './file-lock.ts'
import type { FileLocks } from './file-locks.ts'
import { SESSION_SUFFIX, UNREADABLE_SUFFIX } from './file-records.ts'

/** How long the sweeper works before other work gets a turn, in milliseconds. */
const SLICE = 2
/** A lock this old was left by a killed process; the living hold one for milliseconds. */
const OLD_LOCK = 60_000
/** Time enough for somebody to look at a record that was put aside, or to find its key: 30 days. */
const OLD_UNREADABLE = 30 * 24 * 3_600_000
/** The first sweep comes soon, so that processes that live shorter than an interval sweep too. */
const FIRST_DELAY = 60_000

/** What the sweeper asks of the storage. */
export interface SweptFolder {
  readonly folder: string
  readonly locks: FileLocks
  /** Whether a session file that was last changed then may have expired. */
  mayBeExpired(changedAt: number): boolean
  /** Removes the session if it has expired, looking again under its lock. Tells whether it did. */
  removeExpired(id: string): Promise<boolean>
}

/** Clears expired sessions and what killed processes left, a little at a time. */
export class FileSweeper {
  readonly #target: SweptFolder
  readonly #interval: number
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(target: SweptFolder, interval: number) {
    this.#target = target
    this.#interval = interval
  }

  /** Sweeps now and then, from the first use of the storage on. */
  start(): void {
    this.#schedule(Math.min(this.#interval, FIRST_DELAY))
  }

  stop(): void {
    this.#stopped = true
    stopTimer(this.#timer)
  }

  /**
   * Sweeps the folder once. Answers how many sessions were removed.
   *
   * @param isAwaited - whether the process is to stay alive for it
   */
  async sweep(isAwaited = true): Promise<number> {
    const failures = new Failures()
    let removed = 0
    let sliceEnd = monotonicTime() + SLICE
    for await (const entry of await this.#openFolder()) {
      if (this.#stopped) break
      await failures.gather(async () => {
        if (await this.#sweepFile(entry.name)) removed++
      })
      if (monotonicTime() < sliceEnd) continue
      await nextTurn()
      sliceEnd = monotonicTime() + SLICE
    }
    await failures.gather(() => this.#sweepLocks(isAwaited))
    failures.throwFirst()
    return removed
  }

  /** What the dead left does not change while one looks. A clock that was set would make all look old. */
  async #sweepLocks(isAwaited: boolean): Promise<void> {
    const old = this.#target.locks.olderThan(OLD_LOCK)
    if (old.size === 0) return
    await pause(LEASE, isAwaited)
    if (!this.#stopped) await this.#target.locks.takeAway(old)
  }

  async #openFolder(): Promise<Dir> {
    try {
      return await opendir(this.#target.folder, { bufferSize: 256 })
    } catch (error) {
      throw fileError(error)
    }
  }

  /** What is not named like a file of ours is somebody else's. */
  async #sweepFile(name: string): Promise<boolean> {
    const [id, suffix] = splitName(name)
    if (!isSessionId(id)) return false
    const path = join(this.#target.folder, name)
    const stats = statFile(path)
    if (stats === undefined) return false
    if (suffix === SESSION_SUFFIX) {
      return this.#target.mayBeExpired(stats.mtimeMs) && this.#target.removeExpired(id)
    }
    // It was renamed when it was put aside: that is a change of the file's state, not of its content.
    const isOld = Date.now() - stats.ctimeMs > OLD_UNREADABLE
    if (suffix === UNREADABLE_SUFFIX && isOld) removeIfThere(path)
    return false
  }

  #schedule(delay: number): void {
    if (this.#stopped) return
    this.#timer ??= runLater(() => void this.#sweepInBackground(), delay)
  }

  /** A sweep only frees space: what could not be removed now is tried again next time. */
  async #sweepInBackground(): Promise<void> {
    await this.sweep(false).catch(() => 0)
    this.#timer = undefined
    this.#schedule(this.#interval)
  }
}

function splitName(name: string): [id: string, suffix: string] {
  const dot = name.indexOf('.')
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
}

function statFile(path: string): Stats | undefined {
  const stats = statIfThere(path)
  return stats?.isFile() ? stats : undefined
}
