import { enlarge, NO_SLOT, SlotLinks } from './slots.ts'

/** How finely deadlines are told apart for clean-up. Reading checks them to the millisecond. */
const BUCKET_MILLISECONDS = 1000

/**
 * Finds the slots whose deadline has passed at a cost proportional to how many they are. Slots are
 * kept in buckets of a second. A deadline that moves later moves no slot: it is looked at again when
 * its bucket is due, at most once a ttl.
 */
export class ExpiryWheel {
  readonly #links = new SlotLinks()
  /** The first slot of each bucket, by the bucket's number. */
  readonly #heads = new Map<number, number>()
  #deadlines = new Float64Array(64)
  #bucketOf = new Float64Array(64)
  /** The filled buckets up to `#listed`, the first one last; emptied ones may still be among them. */
  #due: number[] = []
  #listed = Number.NEGATIVE_INFINITY

  deadline(slot: number): number {
    return this.#deadlines[slot] ?? 0
  }

  add(slot: number, deadline: number): void {
    if (slot >= this.#deadlines.length) {
      this.#deadlines = enlarge(this.#deadlines, slot)
      this.#bucketOf = enlarge(this.#bucketOf, slot)
    }
    this.#deadlines[slot] = deadline
    this.#putInBucket(slot, bucketOf(deadline))
  }

  move(slot: number, deadline: number): void {
    this.#deadlines[slot] = deadline
    if (bucketOf(deadline) >= (this.#bucketOf[slot] ?? 0)) return
    this.remove(slot)
    this.#putInBucket(slot, bucketOf(deadline))
  }

  remove(slot: number): void {
    const bucket = this.#bucketOf[slot] ?? 0
    if (this.#heads.get(bucket) === slot) {
      const next = this.#links.next(slot)
      if (next === NO_SLOT) this.#heads.delete(bucket)
      else this.#heads.set(bucket, next)
    }
    this.#links.remove(slot)
  }

  /** A slot whose deadline has passed, `NO_SLOT` when there is none. Remove it before the next call. */
  nextExpired(now: number): number {
    const lastDue = bucketOf(now) - 1
    for (;;) {
      const bucket = this.#due.at(-1)
      if (bucket === undefined && this.#listed < lastDue) this.#listDue(lastDue)
      else if (bucket === undefined || bucket > lastDue) return NO_SLOT
      else {
        const slot = this.#head(bucket)
        if (slot === NO_SLOT) this.#due.pop()
        else if (this.deadline(slot) < now) return slot
        else this.#putInLaterBucket(slot)
      }
    }
  }

  #head(bucket: number): number {
    return this.#heads.get(bucket) ?? NO_SLOT
  }

  #putInBucket(slot: number, bucket: number): void {
    if (bucket <= this.#listed) this.#unlist(bucket)
    this.#links.insertBefore(slot, this.#head(bucket))
    this.#bucketOf[slot] = bucket
    this.#heads.set(bucket, slot)
  }

  #putInLaterBucket(slot: number): void {
    this.remove(slot)
    this.#putInBucket(slot, bucketOf(this.deadline(slot)))
  }

  /** After the clock was set back, a bucket may fill that was listed, or found empty, already. */
  #unlist(bucket: number): void {
    this.#listed = bucket - 1
    this.#due = this.#due.filter(due => due < bucket)
  }

  /** Lists the buckets that are due: counted through or, after a long pause, looked for. */
  #listDue(lastDue: number): void {
    const first = this.#listed + 1
    this.#listed = lastDue
    if (lastDue - first > this.#heads.size) {
      const buckets = [...this.#heads.keys()].filter(bucket => bucket <= lastDue)
      this.#due = buckets.sort((a, b) => b - a)
      return
    }
    for (let bucket = lastDue; bucket >= first; bucket--) {
      if (this.#heads.has(bucket)) this.#due.push(bucket)
    }
  }
}

/** The bucket that is due once the deadline has passed. */
function bucketOf(deadline: number): number {
  return Math.ceil(deadline / BUCKET_MILLISECONDS)
}
