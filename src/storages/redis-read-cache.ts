import type { Loaded } from '../core/atomic-storage.ts'
import { monotonicTime } from '../core/clock.ts'
import type { TrackingListener } from './redis-tracking.ts'

/** Of all entries, by the length of their texts, and of one of them. */
const MAX_CHARACTERS = 16_000_000
const MAX_ENTRY = MAX_CHARACTERS / 16
/** What an entry and each of its keys take beside their texts. */
const ENTRY_CHARACTERS = 200
/** A connection that is cut without a word tells nothing: nobody is believed for longer than this. */
const MAX_AGE = 10_000

interface Entry {
  readonly loaded: Loaded
  /** Until when it may be served, by the monotonic clock. */
  readonly until: number
}

/** Sessions that were read, each for as long as Redis has not told of a change. */
export class ReadCache implements TrackingListener {
  readonly #entries = new Map<string, Entry>()
  /** What is being read, as long as nothing has changed since it was asked for. */
  readonly #reading = new Map<string, object>()
  #characters = 0
  #isLive = false

  find(redisKey: string): Loaded | undefined {
    const entry = this.#entries.get(redisKey)
    return entry !== undefined && monotonicTime() < entry.until ? entry.loaded : undefined
  }

  /** Reads a session, and keeps it unless it has changed meanwhile. */
  async read(
    redisKey: string,
    work: () => Promise<{ loaded: Loaded | undefined; lifetime: number }>,
  ): Promise<Loaded | undefined> {
    const token = {}
    const start = monotonicTime()
    this.#reading.set(redisKey, token)
    try {
      const { loaded, lifetime } = await work()
      const isCurrent = this.#isLive && this.#reading.get(redisKey) === token
      if (isCurrent && loaded !== undefined) {
        this.#keep(redisKey, { loaded, until: start + Math.min(lifetime, MAX_AGE) })
      }
      return loaded
    } finally {
      if (this.#reading.get(redisKey) === token) this.#reading.delete(redisKey)
    }
  }

  /** What is replaced or goes is not counted out, so that the count is never too low. */
  #keep(redisKey: string, entry: Entry): void {
    const characters = sizeOf(entry.loaded)
    if (characters > MAX_ENTRY) return
    this.#characters += characters
    if (this.#characters > MAX_CHARACTERS) {
      this.#entries.clear()
      this.#characters = characters
    }
    this.#entries.set(redisKey, entry)
  }

  live(): void {
    this.#isLive = true
  }

  lost(): void {
    this.#isLive = false
    this.changed(undefined)
  }

  changed(redisKey: string | undefined): void {
    if (redisKey === undefined) {
      this.#entries.clear()
      this.#characters = 0
      this.#reading.clear()
    } else {
      this.#entries.delete(redisKey)
      this.#reading.delete(redisKey)
    }
  }
}

function sizeOf({ data }: Loaded): number {
  let characters = ENTRY_CHARACTERS
  for (const [key, text] of data) characters += key.length + text.length + ENTRY_CHARACTERS
  return characters
}
