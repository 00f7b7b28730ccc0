import { applyChanges, type Changes, changeInPlace, type EncodedData } from '../core/changes.ts'
import { splitObject } from '../core/json.ts'
import { formatRecord } from './record.ts'
import { NO_SLOT } from './slots.ts'

/** Those who are active now are read again and again; a million idle sessions stay plain text. */
const MAX_SPLIT = 1000

/** A record split into its keys. */
interface Split {
  data: Map<string, string>
  /** Whether somebody was handed it as it is, so that it must stay so. */
  isShared: boolean
}

/**
 * The records of {@link StorageMemory} by slot: each one text, those used last split into their keys as
 * well. What is written to one of these becomes text only when others take its place.
 */
export class MemoryRecords {
  /** Undefined for a record whose text is out of date. */
  readonly #texts: (string | undefined)[] = []
  readonly #split = new Map<number, Split>()
  /** The slots that were split last, in a ring: the next one takes the place of the oldest. */
  readonly #ring = new Int32Array(MAX_SPLIT).fill(NO_SLOT)
  #oldest = 0

  /** The record's data, which stay as they are. */
  data(slot: number): EncodedData {
    const split = this.#splitOf(slot)
    split.isShared = true
    return split.data
  }

  set(slot: number, data: EncodedData): void {
    this.#texts[slot] = formatRecord(data)
    this.#split.delete(slot)
  }

  merge(slot: number, changes: Changes): void {
    const split = this.#splitOf(slot)
    if (split.isShared || changes.update !== undefined) {
      split.data = applyChanges(split.data, changes)
      split.isShared = false
    } else changeInPlace(split.data, changes)
    this.#texts[slot] = undefined
  }

  remove(slot: number): void {
    this.#texts[slot] = undefined
    this.#split.delete(slot)
  }

  clear(): void {
    this.#texts.length = 0
    this.#split.clear()
  }

  #splitOf(slot: number): Split {
    const known = this.#split.get(slot)
    if (known !== undefined) return known
    const split = { data: splitObject(this.#texts[slot] ?? '{}'), isShared: false }
    this.#join(this.#ring[this.#oldest] ?? NO_SLOT)
    this.#ring[this.#oldest] = slot
    this.#oldest = (this.#oldest + 1) % MAX_SPLIT
    this.#split.set(slot, split)
    return split
  }

  #join(slot: number): void {
    const split = this.#split.get(slot)
    if (split === undefined) return
    this.#texts[slot] ??= formatRecord(split.data)
    this.#split.delete(slot)
  }
}
