import type { Manager } from '../core/manager.ts'
import type { Session } from '../core/session.ts'

/**
 * Watches the session of a call or connection that lives long, and follows it to the id that the call
 * itself gives it. A session that was not used is not watched, nor is one that does not exist.
 */
export class CallWatch<Data extends object> {
  readonly #manager: Manager<Data>
  readonly #session: Session<Data>
  readonly #ended: () => void
  #watchedId: string | undefined
  #stopWatching: (() => void) | undefined
  #isOver = false

  /** @param ended - called once, when somebody else ended the session, or its ttl */
  constructor(manager: Manager<Data>, session: Session<Data>, ended: () => void) {
    this.#manager = manager
    this.#session = session
    this.#ended = ended
  }

  /** The session is read or changed, so that it may exist under another id than before. */
  isUsed(): void {
    // The use itself comes first: what it loads serves here too.
    queueMicrotask(() => void this.#follow())
  }

  /** Nothing is watched any more. */
  stop(): void {
    this.#isOver = true
    this.#stopWatching?.()
  }

  async #follow(): Promise<void> {
    try {
      await this.#session.stored.read(undefined)
    } catch {
      // Whoever uses the session is told, and the next use comes here again.
      return
    }
    this.#watchStored()
  }

  #watchStored(): void {
    const { storedId } = this.#session.stored
    if (this.#isOver || storedId === this.#watchedId) return
    this.#stopWatching?.()
    this.#watchedId = storedId
    if (storedId === undefined) return
    this.#stopWatching = this.#manager.watch(storedId, () => void this.#sessionEnded(storedId))
  }

  async #sessionEnded(id: string): Promise<void> {
    // It may be what this call itself is doing: that is seen when it is done.
    await this.#follow()
    const { storedId, wasRemoved } = this.#session.stored
    const isOwnDoing = wasRemoved || (storedId !== undefined && storedId !== id)
    if (this.#isOver || isOwnDoing) return
    this.#ended()
  }
}
