import type { Manager } from '../core/manager.ts'
import type { Session } from '../core/session.ts'
import { runWithSession } from './current-session.ts'
import { emitWithSession } from './event-context.ts'
import type { FrameworkRequest } from './exchange.ts'
import type { Gate } from './gate.ts'
import { HeldResponse, type NodeResponse } from './held-response.ts'
import { HttpLifecycle, type LifecycleHooks } from './lifecycle.ts'
import { NodeExchange, type NodeRequest } from './node-exchange.ts'
import type { HttpSettings } from './options.ts'
import { type PlacedSession, place } from './placed-session.ts'
import { saveAll } from './save-all.ts'

/**
 * One request of node:http, node:https or node:http2 on its way through an application, with its
 * session: the head of the response is held until the session is saved.
 */
export class NodeRun<Data extends object>
  extends NodeExchange
  implements Gate, LifecycleHooks, PlacedSession
{
  readonly manager: Manager<Data>
  readonly settings: HttpSettings
  before: PlacedSession | undefined
  readonly #onFailure: SaveFailed
  readonly #lifecycle: HttpLifecycle<Data>
  readonly #held: HeldResponse
  #isChanged = false

  /**
   * @param onFailure - told of a save that failed, for which the held answer was dropped
   * @param framework - the request as the framework shows it, if it may know of a proxy
   */
  constructor(
    manager: Manager<Data>,
    settings: HttpSettings,
    request: NodeRequest,
    response: NodeResponse,
    onFailure: SaveFailed,
    framework?: FrameworkRequest,
  ) {
    super(request, response, framework)
    this.manager = manager
    this.settings = settings
    this.#onFailure = onFailure
    this.#lifecycle = new HttpLifecycle(manager, settings, this, this)
    this.#held = HeldResponse.of(response, this)
    place(request, this)
    if (!settings.asyncContext) return
    emitWithSession(request, this)
    emitWithSession(response, this)
  }

  get session(): Session<Data> {
    return this.#lifecycle.session
  }

  /** Runs the application. */
  run<Result>(application: () => Result): Result {
    return this.settings.asyncContext ? runWithSession(this, application) : application()
  }

  get status(): number {
    return this.response.statusCode
  }

  get headHasLeft(): boolean {
    return this.#held.headHasLeft
  }

  get hasEnded(): boolean {
    return this.#held.hasEnded
  }

  changed(): void {
    if (this.isClosed) this.saveIfClosed()
    else if (!this.#isChanged) {
      this.#isChanged = true
      // A client that goes away does not take with it what was promised to be saved.
      this.response.once('close', () => this.saveIfClosed())
    }
  }

  get isUsed(): boolean {
    return this.#lifecycle.isUsed
  }

  get needsSave(): boolean {
    return this.#lifecycle.needsSave
  }

  save(): Promise<void> {
    return this.#lifecycle.save()
  }

  writeHead(): void {
    this.#lifecycle.writeHead()
  }

  listHead(headers: unknown): readonly unknown[] {
    return this.listHeaders(headers, () => this.#lifecycle.writeHead())
  }

  failed(error: unknown): void {
    this.#lifecycle.abandon()
    try {
      this.#onFailure(error)
    } catch (failure) {
      this.manager.failedInBackground(failure)
    }
  }

  /**
   * Saves now, before the application's framework answers, so that a failure is an error for it to
   * answer. Nothing more is saved after one.
   */
  async saveEarly(): Promise<void> {
    // An answer that is held is being saved for, and a failure of that is told already.
    if (!this.#held.seemsToHaveSentHead) await this.#saveAll()
  }

  /**
   * The same for an answer that the framework sends as soon as this is done. Meanwhile it seems to be
   * sent, so that nobody takes it for missing and sends another: a handler that answered by a call
   * has returned by the end of this.
   */
  async saveBeforeSending(): Promise<void> {
    if (this.#held.seemsToHaveSentHead) return
    await this.#held.delay(() => this.#saveAll().finally(othersHadTheirTurn))
  }

  async #saveAll(): Promise<void> {
    try {
      await saveAll(this)
    } catch (error) {
      this.#lifecycle.abandon()
      throw error
    }
  }

  /** The handler has thrown. */
  handlerFailed(): void {
    this.#lifecycle.handlerFailed()
  }

  /**
   * Saves what comes after the end of a response, or was not saved by then. A save that is under way
   * for a held answer sees to what comes meanwhile.
   */
  saveIfClosed(): void {
    if (this.isClosed && !this.#held.isSaving) this.#lifecycle.saveSoon()
  }
}

/** Resolves when every promise that is settled has told those who wait for it. */
function othersHadTheirTurn(): Promise<void> {
  return new Promise(resolve => process.nextTick(resolve))
}

/** Who is told of a save that failed. */
export type SaveFailed = (error: unknown) => void
