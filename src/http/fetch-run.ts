import type { Awaitable } from '../core/atomic-storage.ts'
import type { Manager } from '../core/manager.ts'
import type { Session } from '../core/session.ts'
import { runWithSession } from './current-session.ts'
import type { HttpExchange } from './exchange.ts'
import { HttpLifecycle, type LifecycleHooks } from './lifecycle.ts'
import type { HttpSettings } from './options.ts'
import { findShared, type PlacedSession, place, unplace } from './placed-session.ts'
import { saveAll } from './save-all.ts'

/**
 * One request of the Fetch API on its way through an application, with its session. The answer is a
 * value here, so nothing needs to be held: it is finished before it is handed on.
 */
export class FetchRun<Data extends object> implements HttpExchange, LifecycleHooks, PlacedSession {
  readonly manager: Manager<Data>
  readonly settings: HttpSettings
  before: PlacedSession | undefined
  readonly request: Request
  readonly #lifecycle: HttpLifecycle<Data>
  #response: Response | undefined
  #isCopied = false
  #headHasLeft = false
  #isStarting = false

  /**
   * The run around an application that is about to get a session, if that is the same one.
   *
   * @throws {@link SessionError} `ERR_OPTION` when the two adapters do not fit
   */
  static around<Data extends object>(
    request: Request,
    manager: Manager<Data>,
    settings: HttpSettings,
  ): FetchRun<Data> | undefined {
    const shared = findShared(request, manager, settings) as FetchRun<Data> | undefined
    // Whoever sends the same object twice at once, as tests do, makes two requests.
    const isOtherRequest = shared?.settings === settings && !shared.#isStarting
    return isOtherRequest ? undefined : shared
  }

  constructor(manager: Manager<Data>, settings: HttpSettings, request: Request) {
    this.manager = manager
    this.settings = settings
    this.request = request
    this.#lifecycle = new HttpLifecycle(manager, settings, this, this)
    place(request, this)
  }

  get session(): Session<Data> {
    return this.#lifecycle.session
  }

  /** Runs the application. */
  run<Result>(application: () => Result): Result {
    this.#isStarting = true
    try {
      return this.settings.asyncContext ? runWithSession(this, application) : application()
    } finally {
      this.#isStarting = false
    }
  }

  /** The application has thrown. */
  handlerFailed(): void {
    this.#lifecycle.handlerFailed()
  }

  /**
   * Saves the session, and then tells the client its id in this response. When the save fails, nothing
   * more is saved, and another response may be finished in place of this one: it tells of an id that
   * was stored before.
   *
   * @returns what to hand on: this response, or a copy with more headers; at once, if nothing is to be saved
   */
  finish(response: Response): Awaitable<Response> {
    this.#response = response
    this.#isCopied = false
    if (!this.#lifecycle.isUsed) {
      this.#leave()
      return response
    }
    if (!isResponse(response)) throw new TypeError('Expected a Response from the handler')
    // A switch of protocols, or Response.error(): there is no head to tell anything in.
    this.#headHasLeft = response.status < 200
    return this.#lifecycle.needsSave ? this.#save().then(() => this.#told()) : this.#told()
  }

  /** Saves the session of a request that this adapter does not get to answer. */
  async finishUnanswered(): Promise<void> {
    try {
      await this.#save()
    } catch (error) {
      this.manager.failedInBackground(error)
    }
    this.#leave()
  }

  get status(): number {
    return this.#response?.status ?? 200
  }

  get headHasLeft(): boolean {
    return this.#headHasLeft
  }

  /** Never refuses a change: a body that is streamed may go on after the head. */
  get hasEnded(): boolean {
    return false
  }

  /** What changes after the answer was handed on is saved by itself: nobody else would. */
  changed(): void {
    if (this.#headHasLeft) this.#lifecycle.saveSoon()
  }

  get isEncrypted(): boolean {
    return this.request.url.startsWith('https:')
  }

  requestHeader(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined
  }

  responseHeader(name: string): string | undefined {
    return this.#response?.headers.get(name) ?? undefined
  }

  responseHeaderNames(): readonly string[] {
    return [...(this.#response?.headers.keys() ?? [])]
  }

  setHeader(name: string, value: string): void {
    if (name === 'Vary' && hasSet(this.#response?.headers, name, value)) return
    this.#copyResponse()
    this.#response?.headers.set(name, value)
  }

  appendHeader(name: string, value: string): void {
    this.#copyResponse()
    this.#response?.headers.append(name, value)
  }

  /** The response that the client is told in. */
  #told(): Response {
    if (!this.#headHasLeft) this.#lifecycle.writeHead()
    this.#leave()
    return this.#response as Response
  }

  #leave(): void {
    this.#headHasLeft = true
    unplace(this.request, this)
  }

  async #save(): Promise<void> {
    try {
      await saveAll(this.#lifecycle)
    } catch (error) {
      this.#lifecycle.abandon()
      throw error
    }
  }

  /**
   * The response may be a constant that is handed out again and again: what one client is told must
   * not stick to it.
   */
  #copyResponse(): void {
    if (this.#isCopied) return
    this.#isCopied = true
    this.#response = new Response(this.#response?.body, this.#response)
  }
}

/** Whether it is a response, of whichever implementation: servers on Node bring their own. */
export function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]'
}

/** Fails for the headers of `Response.redirect()`, and of what `fetch()` answers, which cannot be changed. */
function hasSet(headers: Headers | undefined, name: string, value: string): boolean {
  try {
    headers?.set(name, value)
    return true
  } catch {
    return false
  }
}
