import { applyChanges, type Changes, changeInPlace, type EncodedData } from '../core/changes.ts'
import { splitObject } from '../core/json.ts'
import { formatRecord } from './record.ts'
import { NO_SLOT } from './slots.ts'

/** Those who are active now are read again and again; a million idle sessions stay plain text. */
const MAX_SPLIT = 10_000
/** As many as have a request at the same time, each of which may use its session several times. */
const MAX_NEW = 32
/** Several times as many as stay split, so that few have the same place. */
const MAX_LATELY = 32_768

/** A record split into its keys. */
interface Split {
  data: Map<string, string>
  /** Undefined when it is out of date. */
  text: string | undefined
  /** Whether somebody was handed the data as they are, so that they must stay so. */
  isShared: boolean
}

/**
 * The records of {@link StorageMemory} by slot: each one text, those used again and again split into
 * their keys as well. What is written to one of these becomes text only when others take its place.
 */
export class MemoryRecords {
  readonly #records: (string | Split | undefined)[] = []
  /**
   * The slots that are split. One that is used the first time in a while makes place for the next such
   * soon: data that live for long enough to be copied by the garbage collector cost more than to split
   * the text anew. (This is the order of replacement called 2Q.)
   */
  readonly #newSlots = new SlotRing(MAX_NEW)
  readonly #usedAgain = new SlotRing(MAX_SPLIT)
  /** Of the slots that have the same place here, the one that was split last. */
  readonly #splitLately = new Int32Array(MAX_LATELY).fill(NO_SLOT)

  /** The record's data, which stay as they are. */
  data(slot: number): EncodedData {
    const split = this.#splitOf(slot)
    split.isShared = true
    return split.data
  }

  set(slot: number, data: EncodedData): void {
    this.#records[slot] = formatRecord(data)
  }

  merge(slot: number, changes: Changes): void {
    const split = this.#splitOf(slot)
    if (split.isShared || changes.update !== undefined) {
      split.data = applyChanges(split.data, changes)
      split.isShared = false
    } else changeInPlace(split.data, changes)
    split.text = undefined
  }

  remove(slot: number): void {
    this.#records[slot] = undefined
  }

  clear(): void {
    this.#records.length = 0
  }

  #splitOf(slot: number): Split {
    const record = this.#records[slot] ?? '{}'
    if (typeof record !== 'string') return record
    const split = { data: splitObject(record), text: record, isShared: false }
    this.#records[slot] = split
    const place = slot % MAX_LATELY
    const ring = this.#splitLately[place] === slot ? this.#usedAgain : this.#newSlots
    this.#splitLately[place] = slot
    this.#join(ring.put(slot))
    return split
  }

  #join(slot: number): void {
    const record = slot === NO_SLOT ? undefined : this.#records[slot]
    if (typeof record !== 'object') return
    this.#records[slot] = record.text ?? formatRecord(record.data)
  }
}

/** So many slots, of which the next takes the place of the oldest. */
class SlotRing {
  readonly #slots: Int32Array
  #oldest = 0

  constructor(size: number) {
    this.#slots = new Int32Array(size).fill(NO_SLOT)
  }

  /** Answers the slot that it takes the place of. */
  put(slot: number): number {
    const replaced = this.#slots[this.#oldest] ?? NO_SLOT
    this.#slots[this.#oldest] = slot
    this.#oldest = (this.#oldest + 1) % this.#slots.length
    return replaced
  }
}
