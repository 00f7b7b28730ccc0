import { runLater, stopTimer } from '../core/clock.ts'
import { hashSessionId } from '../core/session-id.ts'
import type { RedisClient } from './redis-client.ts'
import { type Subscribe, subscriberOf } from './redis-subscriber.ts'
import { SessionListeners } from './session-listeners.ts'

/** How long to wait before the connection is made anew, and for how long at most. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5_000

/** Where a script tells that a session has ended, and what it says. */
export type EndedNote = readonly [channel: string, message: string]

/** `tellEnded(channel, message)`, for scripts. Who may not publish may remove all the same. */
export const TELL_ENDED: string = `
local function tellEnded(channel, message)
  redis.pcall('publish', channel, message)
end`

/**
 * Tells when sessions are removed or moved, by any process: what removes a session publishes that on
 * the channel of its prefix. One connection for all that is watched, and none while there is nothing.
 * While it is lost, and for clients that cannot be duplicated, all are looked at every five seconds.
 */
export class RedisWatch {
  readonly #channel: string
  readonly #subscribe: Subscribe | undefined
  readonly #listeners = new SessionListeners()
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #pause = FIRST_PAUSE
  #isClosed = false

  /** @param prefix - what all keys of the storage begin with */
  constructor(client: RedisClient, prefix: string) {
    this.#channel = `gsession:ended:${prefix}`
    this.#subscribe = subscriberOf(client)
  }

  /** What is published when a session ends. No id, since all who use the server may hear it. */
  noteOf(id: string): EndedNote {
    return [this.#channel, hashSessionId(id)]
  }

  add(id: string, look: () => void): () => void {
    const isFirst = this.#listeners.size === 0
    const stop = this.#listeners.add(hashSessionId(id), look)
    if (isFirst) this.#begin()
    return () => {
      stop()
      if (this.#listeners.size === 0) this.#end()
    }
  }

  /** Nothing is told any more. */
  close(): void {
    this.#isClosed = true
    this.#listeners.clear()
    this.#end()
  }

  #begin(): void {
    if (this.#isClosed) return
    if (this.#subscribe === undefined) {
      this.#pause = LONGEST_PAUSE
      this.#beginLater()
      return
    }
    this.#unsubscribe = this.#subscribe(this.#channel, {
      live: () => {
        this.#pause = FIRST_PAUSE
        this.#listeners.tellAll()
      },
      heard: message => this.#listeners.tell(message),
      lost: () => this.#beginLater(),
    })
  }

  #beginLater(): void {
    this.#timer = runLater(() => {
      this.#listeners.tellAll()
      this.#begin()
    }, this.#pause)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
  }

  #end(): void {
    stopTimer(this.#timer)
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }
}
