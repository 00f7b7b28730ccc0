import { NO_SLOT, SlotLinks } from './slots.ts'

/** The order in which slots were last used. Every step is O(1). */
export class Recency {
  readonly #links = new SlotLinks()
  #newest = NO_SLOT
  #oldest = NO_SLOT

  /** The slot that was not used for the longest time, `NO_SLOT` when there is none. */
  get oldest(): number {
    return this.#oldest
  }

  add(slot: number): void {
    this.#links.insertBefore(slot, this.#newest)
    this.#newest = slot
    if (this.#oldest === NO_SLOT) this.#oldest = slot
  }

  use(slot: number): void {
    if (slot === this.#newest) return
    this.remove(slot)
    this.add(slot)
  }

  remove(slot: number): void {
    if (slot === this.#newest) this.#newest = this.#links.next(slot)
    if (slot === this.#oldest) this.#oldest = this.#links.previous(slot)
    this.#links.remove(slot)
  }
}
