import type { IncomingMessage } from 'node:http'
import { SessionError, sessionGone } from '../core/errors.ts'
import type { Manager } from '../core/manager.ts'
import type { Session } from '../core/session.ts'
import type { SessionChange, SessionObserver } from '../core/session-context.ts'
import { runWithSession } from './current-session.ts'
import type { HttpExchange } from './exchange.ts'
import { isEncrypted } from './node-exchange.ts'
import type { HttpSettings } from './options.ts'
import { type PlacedSession, place } from './placed-session.ts'
import { IdTransport } from './transport.ts'

/** What is needed of an emitter of events. */
export interface Emitter {
  emit(event: string | symbol, ...values: unknown[]): boolean
}

/**
 * A request that becomes a connection, with its session. There is no response that could tell the
 * client an id, so no session begins and no id changes here.
 */
export class UpgradeRun<Data extends object>
  implements HttpExchange, SessionObserver, PlacedSession
{
  readonly isEncrypted: boolean
  readonly session: Session<Data>
  readonly manager: Manager<Data>
  readonly settings: HttpSettings
  before: PlacedSession | undefined
  readonly request: IncomingMessage
  #madeTransport: IdTransport | undefined
  /** Undefined until the session is looked for. */
  #id: { readonly known: string | undefined } | undefined

  constructor(manager: Manager<Data>, settings: HttpSettings, request: IncomingMessage) {
    this.manager = manager
    this.settings = settings
    this.request = request
    this.isEncrypted = isEncrypted(request)
    this.session = manager.open(this)
    place(request, this)
  }

  /** Runs the application. */
  run<Result>(application: () => Result): Result {
    return this.settings.asyncContext ? runWithSession(this, application) : application()
  }

  /**
   * Gives the listeners of a connection their current session: one for each event, opened when it
   * comes, since the data may have changed since the last one.
   */
  runListeners(connection: Emitter): void {
    const { settings, before } = this
    if (!settings.asyncContext) return
    const { emit } = connection
    // Events come from where the bytes come in, so there is no context that they could inherit.
    connection.emit = (...event) =>
      runWithSession({ session: this.openSession(), settings, before }, () =>
        emit.apply(connection, event),
      )
  }

  /**
   * Loads the session, and answers the id under which it is stored. When there is none, the id that
   * was sent is forgotten: what may come under it later was not there when the client connected.
   */
  async find(): Promise<string | undefined> {
    await this.session.stored.read(undefined)
    this.#id = { known: this.session.stored.storedId }
    return this.#id.known
  }

  /** A session of the same id that has not been loaded yet. */
  openSession(): Session<Data> {
    return this.manager.open(this)
  }

  /** Called by the sessions. */
  readId(): string | undefined {
    return this.#id === undefined ? this.#transport.firstId : this.#id.known
  }

  /** Called by the sessions, until the one is found that was there when the client connected. */
  idAfter(id: string | undefined): string | undefined {
    return this.#id === undefined ? this.#transport.idAfter(id) : undefined
  }

  /** Called by the sessions. */
  reading(): void {}

  /** Called by the sessions. */
  changing(what: SessionChange): void {
    if (what === 'id') refuse('regenerate the id')
  }

  /** Called by the sessions: what was there when the client connected does not begin anew. */
  beginning(): undefined {
    if (this.readId() !== undefined) throw sessionGone()
    refuse('begin a session')
  }

  requestHeader(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** There is no response to tell anything in. */
  responseHeader(): undefined {}
  responseHeaderNames(): readonly string[] {
    return []
  }
  setHeader(): void {}
  appendHeader(): void {}

  get #transport(): IdTransport {
    this.#madeTransport ??= new IdTransport(this.settings, this)
    return this.#madeTransport
  }
}

function refuse(what: string): never {
  throw new SessionError(
    'ERR_HEADERS_SENT',
    `A connection cannot tell its client a new id: ${what} in an HTTP request`,
  )
}
