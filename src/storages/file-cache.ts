import type { Stats } from 'node:fs'
import type { FileRecord } from './file-record.ts'
import { Recency } from './recency.ts'
import { NO_SLOT, Slots } from './slots.ts'

/** Of all records that are kept, by the size of their files, and of one of them. */
const MAX_BYTES = 64_000_000
const MAX_ENTRY = MAX_BYTES / 16

/** File systems tell time in ticks of up to 10 ms; two changes within one look alike. */
const TICK = 50

interface Entry {
  readonly record: FileRecord
  readonly stats: Stats
  /** Whether these stats can belong to these bytes alone. */
  readonly certain: boolean
}

/**
 * The records of the sessions used last, each good for as long as its file looks the same: inode,
 * size and times. Looking is a `stat`, a few microseconds, and shows what other processes wrote.
 *
 * A file changed twice within a tick may look the same though it is not. Our own writes carry times
 * that never come twice; what was read so soon after a change of unknown origin is not relied upon.
 */
export class FileCache {
  readonly #slots = new Slots()
  readonly #recency = new Recency()
  readonly #entries: (Entry | undefined)[] = []
  readonly #maxEntries: number
  #bytes = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  /** The record of a file that looks like this, if it is known. */
  get(id: string, stats: Stats): FileRecord | undefined {
    const slot = this.#slots.find(id)
    const entry = slot === NO_SLOT ? undefined : this.#entries[slot]
    if (entry === undefined || !entry.certain || !looksSame(entry.stats, stats)) return undefined
    this.#recency.use(slot)
    return entry.record
  }

  /** Notes what was read from a file that looked like this before and after. */
  noteRead(id: string, record: FileRecord, stats: Stats): void {
    this.#note(id, { record, stats, certain: Date.now() - stats.mtimeMs > TICK })
  }

  /** Notes what this process wrote. */
  noteWritten(id: string, record: FileRecord, stats: Stats): void {
    this.#note(id, { record, stats, certain: true })
  }

  forget(id: string): void {
    const slot = this.#slots.find(id)
    if (slot !== NO_SLOT) this.#removeSlot(slot)
  }

  #note(id: string, entry: Entry): void {
    const { size } = entry.stats
    if (size > MAX_ENTRY) {
      this.forget(id)
      return
    }
    const known = this.#slots.find(id)
    if (known === NO_SLOT && this.#slots.size >= this.#maxEntries) this.#removeOldest()
    const slot = known === NO_SLOT ? this.#slots.add(id) : known
    if (known === NO_SLOT) this.#recency.add(slot)
    else this.#recency.use(slot)
    this.#bytes += size - (this.#entries[slot]?.stats.size ?? 0)
    this.#entries[slot] = entry
    while (this.#bytes > MAX_BYTES) this.#removeOldest()
  }

  #removeOldest(): void {
    this.#removeSlot(this.#recency.oldest)
  }

  #removeSlot(slot: number): void {
    this.#slots.remove(slot)
    this.#recency.remove(slot)
    this.#bytes -= this.#entries[slot]?.stats.size ?? 0
    this.#entries[slot] = undefined
  }
}

function looksSame(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino
}
