import type { Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData } from '../core/changes.ts'
import { type Clock, runLater } from '../core/clock.ts'
import { SessionError } from '../core/errors.ts'
import { splitObject } from '../core/json.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { ExpiryWheel } from './expiry-wheel.ts'
import { Recency } from './recency.ts'
import { formatRecord } from './record.ts'
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
/** Those who are active now are read again and again; a million idle sessions stay plain text. */
const MAX_PARSED = 1000

/**
 * Keeps sessions in this process: the fastest storage, gone with the process and unknown to others.
 * Each is kept as its record's text, so no request sees what another has not stored. Expired ones are
 * freed within seconds, without anyone reading them.
 */
export class StorageMemory extends BuiltInStorage implements WatchableStorage {
  readonly #maxSessions: number
  #slots = new Slots()
  readonly #records: (string | undefined)[] = []
  /** The records read last, split into their keys. */
  readonly #parsed = new Map<number, EncodedData>()
  readonly #expiry = new ExpiryWheel()
  readonly #recency: Recency | undefined
  readonly #listeners = new SessionListeners()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take */
  constructor(options: StorageMemoryOptions = {}) {
    refuseUnknownOptions(options, ['maxSessions', 'clock'])
    const { maxSessions = Number.POSITIVE_INFINITY, clock = Date.now } = options
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

  load(id: string): Loaded | undefined {
    const slot = this.#find(id)
    if (slot === NO_SLOT) return undefined
    this.#recency?.use(slot)
    return { data: this.#data(slot), expiresAt: this.#expiry.deadline(slot) }
  }

  merge(id: string, changes: Changes, ttl: number): boolean {
    const slot = this.#find(id)
    if (slot === NO_SLOT) return false
    this.#write(slot, applyChanges(this.#data(slot), changes), ttl)
    return true
  }

  rotate(id: string, newId: string, changes: Changes, ttl: number, keepOld: boolean): Rotation {
    const slot = this.#find(id)
    if (slot === NO_SLOT) return 'absent'
    if (this.#find(newId) !== NO_SLOT) return 'taken'
    const data = applyChanges(this.#data(slot), changes)
    if (!keepOld) this.#remove(slot)
    this.#add(newId, data, ttl)
    return 'rotated'
  }

  refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): void {
    for (const [id, time] of accessedAt) {
      const slot = this.#find(id)
      if (slot === NO_SLOT) continue
      this.#expiry.move(slot, Math.max(this.#expiry.deadline(slot), time + ttl))
    }
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
  peek(id: string): Pick<Loaded, 'expiresAt'> | undefined {
    const slot = this.#find(id)
    return slot === NO_SLOT ? undefined : { expiresAt: this.#expiry.deadline(slot) }
  }

  protected replace(id: string, data: EncodedData, ttl: number): void {
    const slot = this.#find(id)
    if (slot === NO_SLOT) this.#add(id, data, ttl)
    else this.#write(slot, data, ttl)
  }

  /** Forgets all sessions and stops the clean-up. Using the storage afterwards is an error. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#closed = true
    this.#records.length = 0
    this.#parsed.clear()
    this.#slots = new Slots()
    this.#listeners.clear()
  }

  /** The slot of a session that has not expired. */
  #find(id: string): number {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    const slot = this.#slots.find(id)
    if (slot === NO_SLOT || this.#expiry.deadline(slot) >= this.clock()) return slot
    this.#remove(slot)
    return NO_SLOT
  }

  #data(slot: number): EncodedData {
    let data = this.#parsed.get(slot)
    if (data === undefined) {
      data = splitObject(this.#records[slot] ?? '{}')
      if (this.#parsed.size === MAX_PARSED) this.#parsed.clear()
      this.#parsed.set(slot, data)
    }
    return data
  }

  #add(id: string, data: EncodedData, ttl: number): void {
    if (this.#slots.size >= this.#maxSessions) this.#remove(this.#recency?.oldest ?? NO_SLOT)
    const slot = this.#slots.add(id)
    this.#records[slot] = inOnePiece(formatRecord(data))
    this.#expiry.add(slot, this.clock() + ttl)
    this.#recency?.add(slot)
    this.#timer ??= runLater(() => this.#sweep(), SWEEP_INTERVAL)
  }

  #write(slot: number, data: EncodedData, ttl: number): void {
    this.#records[slot] = inOnePiece(formatRecord(data))
    if (this.#parsed.has(slot)) this.#parsed.set(slot, data)
    this.#expiry.move(slot, this.clock() + ttl)
    this.#recency?.use(slot)
  }

  #remove(slot: number): void {
    if (slot === NO_SLOT) return
    const id = this.#slots.remove(slot)
    this.#records[slot] = undefined
    this.#parsed.delete(slot)
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

/**
 * The same text, kept as one string. V8 keeps a text that was put together as a tree of its pieces, five
 * times as large, until somebody looks into it.
 */
function inOnePiece(text: string): string {
  return text[0] === undefined ? '' : text
}
