import type { Manager } from '../core/manager.ts'
import type { Session } from '../core/session.ts'
import { runWithSession } from './current-session.ts'
import type { HttpExchange } from './exchange.ts'
import { HttpLifecycle, type LifecycleHooks } from './lifecycle.ts'
import type { HttpSettings } from './options.ts'

/** The head of an answer, as it stands: `Response` has one, and what frameworks keep in its place. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Pick<Headers, 'get' | 'set' | 'append'>
}

/**
 * One request of the Fetch API on its way through an application, with its session. The answer is a
 * value here, so nothing needs to be held: it is finished before it is handed on.
 */
export class FetchRun<Data extends object> implements HttpExchange, LifecycleHooks {
  readonly #manager: Manager<Data>
  readonly #settings: HttpSettings
  readonly #request: Request
  readonly #lifecycle: HttpLifecycle<Data>
  #head: AnswerHead | undefined
  #isFinished = false
  #savesSoon = false

  constructor(manager: Manager<Data>, settings: HttpSettings, request: Request) {
    this.#manager = manager
    this.#settings = settings
    this.#request = request
    this.#lifecycle = new HttpLifecycle(manager, settings, this, this)
  }

  get session(): Session<Data> {
    return this.#lifecycle.session
  }

  /** Whether the answer depends on the session. If not, it need not be finished. */
  get isUsed(): boolean {
    return this.#lifecycle.isUsed
  }

  /** Runs the application. */
  run<Result>(application: () => Result): Result {
    return this.#settings.asyncContext ? runWithSession(this.session, application) : application()
  }

  /** The application has thrown. */
  handlerFailed(): void {
    this.#lifecycle.handlerFailed()
  }

  /**
   * Saves the session, and then tells the client its id in this head, if there is one: even if the
   * save fails, of an id that was stored before.
   */
  async finish(head?: AnswerHead): Promise<void> {
    this.#head = head
    try {
      while (this.#lifecycle.needsSave) await this.#lifecycle.save()
    } catch (error) {
      this.#lifecycle.abandon()
      throw error
    } finally {
      if (head !== undefined) this.#lifecycle.writeHead()
      this.#isFinished = true
    }
  }

  /** Saves the session of a request that this adapter does not get to answer. */
  async finishUnanswered(): Promise<void> {
    try {
      await this.finish()
    } catch (error) {
      this.#manager.failedInBackground(error)
    }
  }

  get status(): number {
    return this.#head?.status ?? 200
  }

  get headHasLeft(): boolean {
    return this.#isFinished
  }

  /** Never refuses a change: a body that is streamed may go on after the head. */
  get hasEnded(): boolean {
    return false
  }

  /** What changes after the answer was handed on is saved by itself: nobody else would. */
  changed(): void {
    if (!this.#isFinished || this.#savesSoon) return
    this.#savesSoon = true
    queueMicrotask(() => {
      this.#savesSoon = false
      this.session.close().catch(error => this.#manager.failedInBackground(error))
    })
  }

  get isEncrypted(): boolean {
    return this.#request.url.startsWith('https:')
  }

  requestHeader(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }

  responseHeader(name: string): string | undefined {
    return this.#head?.headers.get(name) ?? undefined
  }

  setHeader(name: string, value: string): void {
    this.#head?.headers.set(name, value)
  }

  appendHeader(name: string, value: string): void {
    this.#head?.headers.append(name, value)
  }
}
