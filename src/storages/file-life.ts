import type { Clock } from '../core/clock.ts'
import { unreadable } from '../core/errors.ts'
import type { FileRecord } from './file-record.ts'
import type { HeldRecord } from './file-records.ts'
import { TtlHistory } from './ttl-history.ts'

/**
 * Decides which sessions live, from when they were last used. What was seen stays so though the clock
 * is set again: a session that is seen to have expired is removed, and a use that lies ahead is noted
 * as one of now.
 */
export class FileLife {
  readonly #clock: Clock
  readonly #ttls = new TtlHistory()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The longest ttl seen, 0 before the first: what was used longer ago than that may be cleared. */
  get longestTtl(): number {
    return this.#ttls.longest
  }

  /** Notes the ttl that counts now. */
  note(ttl: number): void {
    this.#ttls.note(ttl, this.#clock())
  }

  /** By the ttl that counted when the session was used; never later than a whole ttl from now. */
  endOf(record: FileRecord, ttl: number, now: number): number {
    const usedAt = Math.min(record.usedAt, now)
    return Math.min(usedAt + this.#ttls.at(usedAt, ttl), now + ttl)
  }

  /** @throws {@link SessionError} `ERR_UNREADABLE` for a living session that is for others to read */
  isAlive(record: FileRecord | undefined, ttl: number): record is FileRecord {
    const now = this.#clock()
    if (record === undefined || this.endOf(record, ttl, now) < now) return false
    if (record.foreign !== undefined) throw unreadable(record.foreign)
    return true
  }

  /** The record of a living session. One that has expired is removed. */
  async living(held: HeldRecord, ttl: number): Promise<FileRecord | undefined> {
    const { record } = held
    if (this.isAlive(record, ttl)) return record
    if (record !== undefined) await held.remove()
    return undefined
  }

  /** Removes what has expired, and notes a use that lies ahead as one of now. */
  async settle(held: HeldRecord, ttl: number): Promise<FileRecord | undefined> {
    const { record } = held
    if (record === undefined) return undefined
    const now = this.#clock()
    if (this.endOf(record, ttl, now) < now) {
      await held.remove()
      return undefined
    }
    if (!isAhead(record, now)) return record
    const used = { usedAt: now, data: record.data }
    await held.store(used)
    return used
  }
}

/** Whether it was used when the clock told a later time than now. No file tells an earlier one than 1. */
export function isAhead({ usedAt, foreign }: FileRecord, now: number): boolean {
  return usedAt > now && usedAt > 1 && foreign === undefined
}
