import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData } from '../core/changes.ts'
import { type Clock, nextTurn, runLater, stopTimer, systemClock } from '../core/clock.ts'
import { SessionError } from '../core/errors.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { ExpiryWheel } from './expiry-wheel.ts'
import { MemoryRecords } from './memory-records.ts'
import { Recency } from './recency.ts'
import { SessionListeners } from './session-listeners.ts'
import { NO_SLOT, Slots } from './slots.ts'

export interface StorageMemoryOptions {
  /**
   * How many sessions to keep at most. One more evicts the one that was not used for the longest
   * time: its owner is logged out.
   *
   * @default unlimited
   */
  maxSessions?: number
  /** @default Date.now */
  clock?: Clock
}

const SWEEP_INTERVAL = 1000
/** How many expired sessions are freed before other work gets a turn: well under a millisecond. */
const SWEEP_SLICE = 1000
/** The same for sessions whose ttl slides: each a look-up, which finds nothing in the processor's caches. */
const REFRESH_SLICE = 500

/**
 * Keeps sessions in this process: the fastest storage, gone with the process and unknown to others.
 * Each is kept as its record's text, so no request sees what another has not stored. Expired ones are
 * freed within seconds, without anyone reading them.
 */
export class StorageMemory extends BuiltInStorage implements WatchableStorage {
  readonly #maxSessions: number
  #slots = new Slots()
  readonly #records = new MemoryRecords()
  readonly #expiry = new ExpiryWheel()
  readonly #recency: Recency | undefined
  readonly #listeners = new SessionListeners()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take */
  constructor(options: StorageMemoryOptions = {}) {
    refuseUnknownOptions(options, ['maxSessions', 'clock'])
    const { maxSessions = Number.POSITIVE_INFINITY, clock = systemClock } = options
    super(clock)
    if (!(maxSessions >= 1)) refuseOption('maxSessions', 'a number from 1 on', maxSessions)
    this.#maxSessions = maxSessions
    if (maxSessions !== Number.POSITIVE_INFINITY) this.#recency = new Recency()
  }

  /** How many sessions are kept, expired ones that were not freed yet included. */
  get size(): number {
    return this.#slots.size
  }

  create(id: string, data: EncodedData, ttl: number): boolean {
    if (this.#find(id) !== NO_SLOT) return false
    this.#add(id, data, ttl)
    return true
  }

  load(id: string, ttl: number = Number.POSITIVE_INFINITY): Loaded | undefined {
    const now = this.clock()
    const slot = this.#find(id, now)
    if (slot === NO_SLOT) return undefined
    this.#recency?.use(slot)
    return { data: this.#records.data(slot), expiresAt: this.#endWithin(slot, now + ttl) }
  }

  merge(id: string, changes: Changes, ttl: number): boolean {
    const slot = this.#find(id)
    if (slot === NO_SLOT) return false
    this.#records.merge(slot, changes)
    this.#written(slot, ttl)
    return true
  }

  rotate(id: string, newId: string, changes: Changes, ttl: number, keepOld: boolean): Rotation {
    const slot = this.#find(id)
    if (slot === NO_SLOT) return 'absent'
    if (this.#find(newId) !== NO_SLOT) return 'taken'
    const data = applyChanges(this.#records.data(slot), changes)
    if (!keepOld) this.#remove(slot)
    this.#add(newId, data, ttl)
    return 'rotated'
  }

  /** Many are refreshed in slices, between which other work gets its turn. */
  refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Awaitable<void> {
    const uses = accessedAt.entries()
    return this.#refreshSlice(uses, ttl) ? undefined : this.#refreshRest(uses, ttl)
  }

  destroy(id: string): void {
    const slot = this.#find(id)
    if (slot !== NO_SLOT) this.#remove(slot)
  }

  /** Calls `look` as soon as the session is removed, moved or evicted. It expires without a word. */
  watch(id: string, look: () => void): () => void {
    return this.#listeners.add(id, look)
  }

  /** When the session expires, `undefined` when there is none. Does not count as a use. */
  peek(id: string, ttl: number = Number.POSITIVE_INFINITY): Pick<Loaded, 'expiresAt'> | undefined {
    const now = this.clock()
    const slot = this.#find(id, now)
    return slot === NO_SLOT
      ? undefined
      : { expiresAt: Math.min(this.#expiry.deadline(slot), now + ttl) }
  }

  protected replace(id: string, data: EncodedData, ttl: number): void {
    const slot = this.#find(id)
    if (slot === NO_SLOT) this.#add(id, data, ttl)
    else {
      this.#records.set(slot, data)
      this.#written(slot, ttl)
    }
  }

  /** Forgets all sessions and stops the clean-up. Using the storage afterwards is an error. */
  async close(): Promise<void> {
    stopTimer(this.#timer)
    this.#closed = true
    this.#records.clear()
    this.#slots = new Slots()
    this.#listeners.clear()
  }

  /** The slot of a session that has not expired. */
  #find(id: string, now = this.clock()): number {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    const slot = this.#slots.find(id)
    if (slot === NO_SLOT || this.#expiry.deadline(slot) >= now) return slot
    this.#remove(slot)
    return NO_SLOT
  }

  /** When the session ends: earlier where its end is due to a clock that was ahead, or to a longer ttl. */
  #endWithin(slot: number, latest: number): number {
    const end = this.#expiry.deadline(slot)
    if (end <= latest) return end
    this.#expiry.move(slot, latest)
    return latest
  }

  #add(id: string, data: EncodedData, ttl: number): void {
    if (this.#slots.size >= this.#maxSessions) this.#remove(this.#recency?.oldest ?? NO_SLOT)
    const slot = this.#slots.add(id)
    this.#records.set(slot, data)
    this.#expiry.add(slot, this.clock() + ttl)
    this.#recency?.add(slot)
    this.#timer ??= runLater(() => this.#sweep(), SWEEP_INTERVAL)
  }

  async #refreshRest(uses: Iterator<[string, number]>, ttl: number): Promise<void> {
    do await nextTurn()
    while (!this.#refreshSlice(uses, ttl))
  }

  /** Answers whether none is left. */
  #refreshSlice(uses: Iterator<[string, number]>, ttl: number): boolean {
    for (let count = 0; count < REFRESH_SLICE; count++) {
      const use = uses.next()
      if (use.done === true) return true
      const [id, time] = use.value
      const now = this.clock()
      const slot = this.#find(id, now)
      if (slot === NO_SLOT) continue
      const end = Math.min(this.#expiry.deadline(slot), now + ttl)
      this.#expiry.move(slot, Math.max(end, time + ttl))
    }
    return false
  }

  #written(slot: number, ttl: number): void {
    this.#expiry.move(slot, this.clock() + ttl)
    this.#recency?.use(slot)
  }

  #remove(slot: number): void {
    if (slot === NO_SLOT) return
    const id = this.#slots.remove(slot)
    this.#records.remove(slot)
    this.#expiry.remove(slot)
    this.#recency?.remove(slot)
    if (id !== undefined && this.#listeners.size > 0) this.#listeners.tell(id)
  }

  #sweep(): void {
    this.#timer = undefined
    const now = this.clock()
    for (let freed = 0; freed < SWEEP_SLICE; freed++) {
      const slot = this.#expiry.nextExpired(now)
      if (slot === NO_SLOT) {
        if (this.#slots.size > 0) this.#timer = runLater(() => this.#sweep(), SWEEP_INTERVAL)
        return
      }
      this.#remove(slot)
    }
    this.#timer = runLater(() => this.#sweep(), 0)
  }
}
