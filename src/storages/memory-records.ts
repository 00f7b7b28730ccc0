import { applyChanges, type Changes, changeInPlace, type EncodedData } from '../core/changes.ts'
import { splitObject } from '../core/json.ts'
import { formatRecord } from './record.ts'
import { NO_SLOT } from './slots.ts'

/** Those who are active now are read again and again; a million idle sessions stay plain text. */
const MAX_SPLIT = 1000
const MAX_USED_LATELY = 4096

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
  /** The slots that were split last, in a ring: the next one takes the place of the oldest. */
  readonly #ring = new Int32Array(MAX_SPLIT).fill(NO_SLOT)
  #oldest = 0
  /**
   * The slot used last of those that have the same place here. One that comes again stays split; for one
   * that does not, splitting it anew is cheaper than what V8 pays for data that live a little longer.
   */
  readonly #usedLately = new Int32Array(MAX_USED_LATELY).fill(NO_SLOT)

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
    const isKept = this.#records[slot] === split
    if (!isKept) this.#records[slot] = formatRecord(split.data)
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
    if (this.#isUsedAgain(slot)) this.#keep(slot, split)
    return split
  }

  #isUsedAgain(slot: number): boolean {
    const place = slot % MAX_USED_LATELY
    const last = this.#usedLately[place]
    this.#usedLately[place] = slot
    return last === slot
  }

  #keep(slot: number, split: Split): void {
    this.#join(this.#ring[this.#oldest] ?? NO_SLOT)
    this.#ring[this.#oldest] = slot
    this.#oldest = (this.#oldest + 1) % MAX_SPLIT
    this.#records[slot] = split
  }

  #join(slot: number): void {
    const record = slot === NO_SLOT ? undefined : this.#records[slot]
    if (typeof record !== 'object') return
    this.#records[slot] = record.text ?? formatRecord(record.data)
  }
}
