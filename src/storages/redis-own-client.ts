import { runLater, stopTimer } from '../core/clock.ts'
import { within } from '../core/time-limit.ts'

/** What is used of a node-redis client that nobody else uses. */
interface OwnClient {
  connect(): Promise<unknown>
  ping(): Promise<unknown>
  close(): Promise<unknown>
  destroy(): void
}

/** Who is asked more often than this tells nothing more. */
const SHORTEST_INTERVAL = 1000

/**
 * Keeps a client connected. A connection that goes silent is never given up by the client: so it is
 * asked in intervals, and made anew when the answer does not come within the time limit.
 */
export class KeptConnection {
  readonly #client: OwnClient
  readonly #timeout: number
  #connecting: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  #closing: Promise<void> | undefined

  constructor(client: OwnClient, timeout: number) {
    this.#client = client
    this.#timeout = timeout
  }

  /** Connects within the time limit, or fails and gives up. */
  async open(): Promise<void> {
    try {
      await within(this.#timeout, 'Redis', () => this.#client.connect())
    } catch (error) {
      this.#destroy()
      throw error
    }
    this.#askLater()
  }

  #askLater(): void {
    const interval = Math.max(this.#timeout, SHORTEST_INTERVAL)
    this.#timer = runLater(() => {
      this.#askLater()
      void this.#ask()
    }, interval)
  }

  /** What is under way is waited for within the time limit. The second time does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    stopTimer(this.#timer)
    try {
      await within(this.#timeout, 'Redis', () => this.#client.close())
    } catch {
      // Nobody is there to say goodbye to.
      this.#destroy()
    }
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      await within(this.#timeout, 'Redis', () => this.#client.ping())
    } catch {
      if (this.#closing === undefined) await this.#reconnect()
    } finally {
      this.#isAsking = false
    }
  }

  /** An attempt that hangs has to end before the next one begins. */
  async #reconnect(): Promise<void> {
    this.#destroy()
    await this.#connecting
    if (this.#closing !== undefined) return
    this.#connecting = this.#client.connect().catch(() => undefined)
  }

  #destroy(): void {
    try {
      this.#client.destroy()
    } catch {
      // It was not open.
    }
  }
}
