/** Stands for "no slot" in lists of slots. */
export const NO_SLOT = -1

const FIRST_CAPACITY = 64

/**
 * Gives each key a small number, its slot, to index arrays with. Facts about a million keys then
 * take a few flat arrays instead of a million objects.
 */
export class Slots {
  readonly #slotOf = new Map<string, number>()
  readonly #keys: (string | undefined)[] = []
  readonly #free: number[] = []

  get size(): number {
    return this.#slotOf.size
  }

  find(key: string): number {
    return this.#slotOf.get(key) ?? NO_SLOT
  }

  /** The slot of a key that has none yet. */
  add(key: string): number {
    const slot = this.#free.pop() ?? this.#keys.length
    this.#keys[slot] = key
    this.#slotOf.set(key, slot)
    return slot
  }

  /** Answers the key that had the slot. */
  remove(slot: number): string | undefined {
    const key = this.#keys[slot]
    if (key === undefined) return undefined
    this.#slotOf.delete(key)
    this.#keys[slot] = undefined
    this.#free.push(slot)
    return key
  }
}

/**
 * Doubly linked lists of slots, each slot in one list at most, every step O(1). (An LRU on a plain
 * Map takes microseconds an eviction, since V8 walks the holes that the deleted entries left.)
 */
export class SlotLinks {
  #next = new Int32Array(FIRST_CAPACITY)
  #previous = new Int32Array(FIRST_CAPACITY)

  /** Puts a slot, which is in no list, before another; before `NO_SLOT`: at the end of no list. */
  insertBefore(slot: number, next: number): void {
    if (slot >= this.#next.length) this.#grow(slot)
    this.#next[slot] = next
    this.#previous[slot] = NO_SLOT
    if (next === NO_SLOT) return
    const previous = this.previous(next)
    this.#previous[slot] = previous
    this.#previous[next] = slot
    if (previous !== NO_SLOT) this.#next[previous] = slot
  }

  remove(slot: number): void {
    const next = this.next(slot)
    const previous = this.previous(slot)
    if (next !== NO_SLOT) this.#previous[next] = previous
    if (previous !== NO_SLOT) this.#next[previous] = next
  }

  next(slot: number): number {
    return this.#next[slot] ?? NO_SLOT
  }

  previous(slot: number): number {
    return this.#previous[slot] ?? NO_SLOT
  }

  #grow(slot: number): void {
    this.#next = enlarge(this.#next, slot)
    this.#previous = enlarge(this.#previous, slot)
  }
}

/** A copy of an array that has room for an index, at least twice as long. */
export function enlarge<T extends Int32Array | Float64Array>(array: T, index: number): T {
  const length = Math.max(array.length * 2, index + 1)
  const larger = array instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)
  larger.set(array)
  return larger as T
}
