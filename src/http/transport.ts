import { isSessionId } from '../core/session-id.ts'
import { keepFromCaches } from './caches.ts'
import { isSecure } from './connection.ts'
import { findIdsInCookies, idCookie, removalCookie } from './cookie.ts'
import type { NamedCookie } from './cookie-settings.ts'
import type { HttpExchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'

/** How a client sends its id, and so how it is answered. */
export type Carrier = 'cookie' | 'header'

/** Carries one client's ids: out of the request, when they are first asked for, and into the response. */
export class IdTransport {
  readonly #settings: HttpSettings
  readonly #exchange: HttpExchange
  /** Undefined when no cookie is used. */
  readonly #cookie: NamedCookie | undefined
  readonly #cookieIds: readonly string[]
  readonly #header: string | undefined

  constructor(settings: HttpSettings, exchange: HttpExchange) {
    this.#settings = settings
    this.#exchange = exchange
    this.#cookie = cookieOf(settings, exchange)
    this.#cookieIds = this.#readCookies()
    this.#header = this.#readHeader()
  }

  /** The id to try first: from a cookie if there is one, else from the header (GoFrame's order). */
  get firstId(): string | undefined {
    return this.#cookieIds[0] ?? this.#headerId
  }

  /** All ids of the client, in the order in which they are tried. */
  get sentIds(): readonly string[] {
    const id = this.#headerId
    return id === undefined ? this.#cookieIds : [...this.#cookieIds, id]
  }

  /** The id to try when this one names no session. */
  idAfter(id: string | undefined): string | undefined {
    const at = id === undefined ? -1 : this.#cookieIds.indexOf(id)
    if (at === -1) return undefined
    return this.#cookieIds[at + 1] ?? this.#headerId
  }

  /** Whether the client sent this id. */
  hasSent(id: string | undefined): boolean {
    return id !== undefined && (this.#cookieIds.includes(id) || id === this.#headerId)
  }

  /** Whether the client has a cookie with an id. */
  get hasCookie(): boolean {
    return this.#cookieIds.length > 0
  }

  /** The way in which a client is answered whose session was found by this id, or by none. */
  carrierOf(id: string | undefined): Carrier {
    if (id !== undefined && this.#cookieIds.includes(id)) return 'cookie'
    if (id !== undefined && id === this.#headerId) return 'header'
    if (this.#cookie === undefined) return 'header'
    return this.#header === undefined || this.hasCookie ? 'cookie' : 'header'
  }

  /** Tells the client its id. A cookie lives from now on for so many milliseconds; 0: with the browser. */
  tellId(id: string, carrier: Carrier, now: number, cookieAge: number): void {
    const { header = '' } = this.#settings
    if (carrier === 'header') {
      this.#exchange.setHeader(header, header === AUTHORIZATION ? `Bearer ${id}` : id)
      keepFromCaches(this.#exchange)
    } else if (this.#cookie !== undefined) {
      const { name, attributes } = this.#cookie
      this.#setCookie(idCookie(name, id, attributes, now, cookieAge))
    }
  }

  /** Makes a browser forget its cookie. A header needs no answer: the client knows that it logged out. */
  tellRemoval(): void {
    if (!this.hasCookie || this.#cookie === undefined) return
    this.#setCookie(removalCookie(this.#cookie.name, this.#cookie.attributes))
  }

  /** Says that the response depends on who asks (RFC 9110 12.5.5). */
  tellVariance(): void {
    if (this.#settings.cookie !== undefined) this.#vary('Cookie')
    if (this.#settings.header !== undefined) this.#vary(this.#settings.header)
  }

  #readCookies(): readonly string[] {
    const header = this.#cookie && this.#exchange.requestHeader('cookie')
    return header === undefined ? NO_IDS : findIdsInCookies(header, this.#cookie?.name ?? '')
  }

  /** What the header says, an id or not; undefined when it was not sent, or not for us. */
  #readHeader(): string | undefined {
    const name = this.#settings.header
    const value = name === undefined ? undefined : this.#exchange.requestHeader(name)
    if (name !== AUTHORIZATION || value === undefined) return value
    // Credentials of another scheme are somebody else's.
    const bearer = BEARER.exec(value)
    return bearer === null ? undefined : (bearer[1] ?? '')
  }

  get #headerId(): string | undefined {
    const id = this.#header
    return isSessionId(id) ? id : undefined
  }

  #setCookie(line: string): void {
    this.#exchange.appendHeader('Set-Cookie', line)
    keepFromCaches(this.#exchange)
  }

  #vary(name: string): void {
    const vary = this.#exchange.responseHeader('Vary')
    if (vary === undefined || vary === '') this.#exchange.setHeader('Vary', name)
    else if (!mentions(vary, name)) this.#exchange.setHeader('Vary', `${vary}, ${name}`)
  }
}

const NO_IDS: readonly string[] = []
const AUTHORIZATION = 'authorization'
/** RFC 6750 2.1; without credentials it asks for a first id. */
const BEARER = /^bearer(?: +(.*))?$/i

/** The cookie that belongs to the request's kind of connection. */
function cookieOf(settings: HttpSettings, exchange: HttpExchange): NamedCookie | undefined {
  const { cookie } = settings
  if (cookie === undefined) return undefined
  return isSecure(exchange, settings) ? cookie.onSecure : cookie.onPlain
}

function mentions(vary: string, name: string): boolean {
  const wanted = name.toLowerCase()
  return vary.split(',').some(part => [wanted, '*'].includes(part.trim().toLowerCase()))
}
