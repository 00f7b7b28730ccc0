import type { Awaitable } from '../core/atomic-storage.ts'
import { RESERVED_KEY } from '../core/changes.ts'
import { hasCode, SessionError } from '../core/errors.ts'
import type { Manager } from '../core/manager.ts'
import { PendingChanges } from '../core/pending-changes.ts'
import type { Session } from '../core/session.ts'
import type { SessionChange, SessionObserver } from '../core/session-context.ts'
import { LONGEST_COOKIE_AGE } from './cookie.ts'
import type { HttpExchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'
import { saveAll } from './save-all.ts'
import { type Carrier, IdTransport } from './transport.ts'

/** What the lifecycle needs to know of the response, and what it tells its adapter. */
export interface LifecycleHooks {
  /** Called before each change of the session, and after one that failed. */
  changed(): void
  /** Whether the head of the response has left, so that headers tell nobody anything any more. */
  readonly headHasLeft: boolean
  /** Whether the application has ended the response. */
  readonly hasEnded: boolean
  /** The status of the response as it stands now. */
  readonly status: number
}

/** A cookie is renewed when a tenth of its life is over: it slides, without a line in every response. */
const RENEWALS = 10
/** How the note begins that says when the cookie was set: `{"cookie":1700000000000}`. */
const COOKIE_NOTE = '{"cookie":'

/**
 * The life of a session in one request, the same in every adapter: its id is read when it is first
 * needed; it is saved before the head of the response leaves; only then the client is told.
 */
export class HttpLifecycle<Data extends object> implements SessionObserver {
  readonly session: Session<Data>
  readonly #manager: Manager<Data>
  readonly #settings: HttpSettings
  readonly #exchange: HttpExchange
  readonly #hooks: LifecycleHooks
  #isUsed = false
  #madeTransport: IdTransport | undefined
  /** The id of the request that was tried last; undefined if the application chose the id. */
  #triedId: string | undefined
  #isAbandoned = false
  #savesSoon = false
  #renewalIsDecided = false
  #renewsCookie = false

  constructor(
    manager: Manager<Data>,
    settings: HttpSettings,
    exchange: HttpExchange,
    hooks: LifecycleHooks,
  ) {
    this.#manager = manager
    this.#settings = settings
    this.#hooks = hooks
    this.#exchange = exchange
    this.session = manager.open(this)
  }

  /** Called by the session. */
  readId(): string | undefined {
    this.#triedId = this.#transport.firstId
    return this.#triedId
  }

  /** Called by the session. */
  idAfter(id: string | undefined): string | undefined {
    const next = this.#idAfter(id)
    this.#triedId = next ?? this.#triedId
    return next
  }

  /** Called by the session. */
  reading(): void {
    this.#isUsed = true
  }

  /** Called by the session. Refuses what the client could no longer be told of. */
  changing(what: SessionChange): void {
    const { hasEnded, headHasLeft } = this.#hooks
    if (hasEnded) refuse('The response has ended: change the session before that')
    if (headHasLeft && what === 'id') {
      refuse('The head of the response has left: regenerate the id before that')
    }
    this.#isUsed = true
    if (what === 'id') {
      this.#settings.moveTimes.note(this.#transport.sentIds, this.#manager.now())
    }
    this.#hooks.changed()
  }

  /**
   * Called by the session. Refuses to begin one that nobody could ever use, since the client cannot
   * be told its id any more. Notes when the cookie is set.
   */
  beginning(): string | undefined {
    if (this.#hooks.headHasLeft) {
      refuse('The head of the response has left: begin a session before that')
    }
    return this.#slidesCookie ? this.#cookieNote() : undefined
  }

  /** Called by the session. The save before the head tells of it, or the one after the response. */
  changeFailed(): boolean {
    if (this.#isAbandoned) return false
    this.#isUsed = true
    this.#hooks.changed()
    return true
  }

  /** Whether the session was used at all. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** Whether something must be saved before the client may hear more. */
  get needsSave(): boolean {
    if (!this.#isUsed || this.#isAbandoned) return false
    if (!this.#settings.saveOnError && this.#hooks.status >= 500) return false
    return this.session.needsClose || this.#mayRenewCookie
  }

  async save(): Promise<void> {
    // In any case: what the application changes before it waits for something is saved with this.
    const mustRenew = await this.#decideRenewal()
    const isNoted = mustRenew && this.session.isDirty
    if (isNoted) this.session.note = this.#cookieNote()
    await this.session.store()
    if (mustRenew) this.#renewsCookie = isNoted || (await this.#noteRenewal())
  }

  /**
   * Saves what changes when there is no response any more that would wait for it. Nobody but the manager
   * can be told of a failure.
   */
  saveSoon(): void {
    if (this.#savesSoon) return
    this.#savesSoon = true
    queueMicrotask(() => {
      this.#savesSoon = false
      saveAll(this).catch(error => this.#manager.failedInBackground(error))
    })
  }

  /** Writes what the client is told into the head. Everything that will be is saved by now. */
  writeHead(): void {
    if (!this.isUsed) return
    const { storedId } = this.session.stored
    const transport = this.#transport
    transport.tellVariance()
    if (storedId === undefined) {
      if (this.#isOver && !this.#movedLately) transport.tellRemoval()
    } else if (!transport.hasSent(storedId) || this.#renewsCookie) {
      transport.tellId(storedId, this.#carrier, this.#manager.now(), this.#cookieAge)
      if (this.#slidesCookie) this.#settings.cookieTimes.set(storedId, this.#manager.now())
    }
  }

  #idAfter(id: string | undefined): string | undefined {
    const transport = this.#transport
    if (this.#triedId !== undefined) {
      return transport.idAfter(transport.hasSent(id) ? id : this.#triedId)
    }
    // The application chose the id, so that none of the client's was tried.
    const { firstId } = transport
    return firstId === id ? transport.idAfter(id) : firstId
  }

  /** Whether the session that the request came with has ended, as far as anybody has looked. */
  get #isOver(): boolean {
    const { stored } = this.session
    if (stored.wasRemoved) return true
    return !stored.mayExist && this.#triedId !== undefined
  }

  /**
   * The save failed, or is not wanted: nothing more is saved. The client is still told of what is
   * stored already, for a new id that it does not hear of is a session lost.
   */
  abandon(): void {
    this.#isAbandoned = true
    this.#renewsCookie = false
  }

  /** The handler has failed. */
  handlerFailed(): void {
    if (!this.#settings.saveOnError) this.abandon()
  }

  get #transport(): IdTransport {
    this.#madeTransport ??= new IdTransport(this.#settings, this.#exchange)
    return this.#madeTransport
  }

  /** The way in which the client is told its id. */
  get #carrier(): Carrier {
    return this.#transport.carrierOf(this.#triedId ?? this.session.stored.storedId)
  }

  /** Whether the client keeps the id in a cookie that ends by itself. */
  get #slidesCookie(): boolean {
    if (this.#settings.cookie === undefined || this.#cookieAge === 0) return false
    return this.#carrier === 'cookie'
  }

  /** How long the browser keeps the cookie, in milliseconds; 0 for one that ends with the browser. */
  get #cookieAge(): number {
    return Math.min(this.#settings.cookie?.maxAge ?? this.#manager.ttl, LONGEST_COOKIE_AGE)
  }

  get #movedLately(): boolean {
    if (this.session.stored.wasRemoved) return false
    return this.#settings.moveTimes.areRecent(this.#transport.sentIds, this.#manager.now())
  }

  /**
   * Decides once whether the cookie is renewed, by what the record says of it. A cookie that this process
   * knows to be new spares the look. What fails here fails nobody's request.
   */
  #decideRenewal(): Awaitable<boolean> {
    if (this.#renewalIsDecided || this.#hooks.headHasLeft || !this.#slidesCookie) return false
    const id = this.session.stored.storedId ?? this.#triedId
    if (id === undefined || !this.#transport.hasSent(id) || this.#cookieIsNew(id)) return false
    this.#renewalIsDecided = true
    return this.#lookAtCookie()
  }

  async #lookAtCookie(): Promise<boolean> {
    try {
      await this.session.stored.read(RESERVED_KEY)
    } catch {
      return false
    }
    const { storedId } = this.session.stored
    if (storedId === undefined || !this.#transport.hasSent(storedId)) return false
    const setAt = this.#cookieTime
    if (setAt !== undefined) this.#settings.cookieTimes.set(storedId, setAt)
    return !this.#cookieIsNew(storedId)
  }

  /** Answers whether the session was still there. If it was not, it ended or moved elsewhere meanwhile. */
  async #noteRenewal(): Promise<boolean> {
    const note = this.#cookieNote()
    try {
      await this.session.stored.commit(new Note(note), undefined, () => {})
    } catch (error) {
      if (!hasCode(error, 'ERR_GONE')) this.#manager.failedInBackground(error)
    }
    return this.session.stored.peek(RESERVED_KEY) === note
  }

  get #mayRenewCookie(): boolean {
    if (this.#renewalIsDecided || this.#hooks.headHasLeft || !this.#slidesCookie) return false
    const { storedId } = this.session.stored
    if (storedId === undefined || !this.#transport.hasSent(storedId)) return false
    return !this.#cookieIsNew(storedId)
  }

  /** What the record says is at hand if the session was read. */
  #cookieIsNew(id: string): boolean {
    return this.#isNew(this.#cookieTime) || this.#isNew(this.#settings.cookieTimes.get(id))
  }

  get #cookieTime(): number | undefined {
    const { note } = this.session
    return note === undefined ? undefined : cookieSetAt(note)
  }

  #isNew(setAt: number | undefined): boolean {
    return setAt !== undefined && this.#manager.now() < setAt + this.#cookieAge / RENEWALS
  }

  #cookieNote(): string {
    return `${COOKIE_NOTE}${this.#manager.now()}}`
  }
}

/** What the library notes beside the data of a session, and never begins one for. */
class Note extends PendingChanges {
  override get addsSomething(): boolean {
    return false
  }

  constructor(text: string) {
    super()
    this.setKey(RESERVED_KEY, text)
  }
}

/** When the cookie was set, as the note says; long ago, when it says nothing of it. */
function cookieSetAt(note: string): number {
  return note.startsWith(COOKIE_NOTE) ? Number.parseInt(note.slice(COOKIE_NOTE.length), 10) : 0
}

function refuse(message: string): never {
  throw new SessionError('ERR_HEADERS_SENT', message)
}
