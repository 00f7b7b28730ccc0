import { type Dir, lstatSync, type Stats } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { runLater } from '../core/clock.ts'
import { isSessionId } from '../core/session-id.ts'
import { Failures, fileError } from './file-error.ts'
import { removeIfOld } from './file-lock.ts'
import { LOCK_SUFFIX, SESSION_SUFFIX } from './file-records.ts'

/** How long the sweeper works before other work gets a turn, in milliseconds. */
const SLICE = 2
/** A lock this old was left by a killed process; the living hold one for milliseconds. */
const OLD_LOCK = 60_000
/** The first sweep comes soon, so that processes that live shorter than an interval sweep too. */
const FIRST_DELAY = 60_000

/** What the sweeper asks of the storage. */
export interface SweptFolder {
  readonly folder: string
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
    clearTimeout(this.#timer)
  }

  /** Sweeps the folder once. Answers how many sessions were removed. */
  async sweep(): Promise<number> {
    const failures = new Failures()
    let removed = 0
    let sliceEnd = performance.now() + SLICE
    for await (const entry of await this.#openFolder()) {
      if (this.#stopped) break
      await failures.gather(async () => {
        if (await this.#sweepFile(entry.name)) removed++
      })
      if (performance.now() < sliceEnd) continue
      await nextTurn()
      sliceEnd = performance.now() + SLICE
    }
    failures.throwFirst()
    return removed
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
    if (suffix !== SESSION_SUFFIX) {
      if (suffix.startsWith(SESSION_SUFFIX + LOCK_SUFFIX)) removeIfOld(path, OLD_LOCK)
      return false
    }
    const stats = statFile(path)
    const mayBeExpired = stats !== undefined && this.#target.mayBeExpired(stats.mtimeMs)
    return mayBeExpired && this.#target.removeExpired(id)
  }

  #schedule(delay: number): void {
    if (this.#stopped) return
    this.#timer ??= runLater(() => void this.#sweepInBackground(), delay)
  }

  /** A sweep only frees space: what could not be removed now is tried again next time. */
  async #sweepInBackground(): Promise<void> {
    await this.sweep().catch(() => 0)
    this.#timer = undefined
    this.#schedule(this.#interval)
  }
}

function splitName(name: string): [id: string, suffix: string] {
  const dot = name.indexOf('.')
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
}

function statFile(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isFile() ? stats : undefined
}
