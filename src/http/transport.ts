import { isSessionId } from '../core/session-id.ts'
import { findIdsInCookies, idCookie, removalCookie } from './cookie.ts'
import type { NamedCookie } from './cookie-settings.ts'
import type { HttpExchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'

/** How a client sends its id, and so how it is answered. */
export type Carrier = 'cookie' | 'header'

/** Carries one client's id: out of the request, and into the response. */
export class IdTransport {
  readonly #settings: HttpSettings
  readonly #exchange: HttpExchange
  #sentId: string | undefined
  #carrier: Carrier = 'cookie'

  constructor(settings: HttpSettings, exchange: HttpExchange) {
    this.#settings = settings
    this.#exchange = exchange
  }

  /** The id that the request carried, once it was read. */
  get sentId(): string | undefined {
    return this.#sentId
  }

  /** The way in which ids are answered to this client. */
  get carrier(): Carrier {
    return this.#carrier
  }

  /** Reads the id: from the cookie if it has one, else from the header (GoFrame's order). */
  readId(): string | undefined {
    this.#sentId = this.#readCookie() ?? this.#readHeader()
    return this.#sentId
  }

  /** Tells the client its id. A cookie lives from now on for so many milliseconds; 0: with the browser. */
  tellId(id: string, now: number, cookieAge: number): void {
    if (this.#carrier === 'header') {
      this.#exchange.setHeader(this.#settings.header ?? '', id)
      this.#keepFromCaches()
      return
    }
    const cookie = this.#cookie
    if (cookie === undefined) return
    this.#setCookie(idCookie(cookie.name, id, cookie.attributes, now, cookieAge))
  }

  /** Makes the client forget its id. A header needs no answer: the client knows that it logged out. */
  tellRemoval(): void {
    const cookie = this.#cookie
    if (this.#carrier === 'header' || cookie === undefined) return
    this.#setCookie(removalCookie(cookie.name, cookie.attributes))
  }

  /** Says that the response depends on who asks (RFC 9110 12.5.5). */
  tellVariance(): void {
    if (this.#settings.cookie !== undefined) this.#vary('Cookie')
    if (this.#settings.header !== undefined) this.#vary(this.#settings.header)
  }

  #readCookie(): string | undefined {
    const cookie = this.#cookie
    const header = cookie && this.#exchange.requestHeader('cookie')
    return header === undefined ? undefined : findIdsInCookies(header, cookie?.name ?? '')[0]
  }

  #readHeader(): string | undefined {
    const name = this.#settings.header
    if (name === undefined) return undefined
    const id = this.#exchange.requestHeader(name)
    if (id !== undefined || this.#settings.cookie === undefined) this.#carrier = 'header'
    return isSessionId(id) ? id : undefined
  }

  get #cookie(): NamedCookie | undefined {
    const { cookie } = this.#settings
    if (cookie === undefined) return undefined
    return isSecure(this.#exchange, this.#settings) ? cookie.onSecure : cookie.onPlain
  }

  #setCookie(line: string): void {
    this.#exchange.appendHeader('Set-Cookie', line)
    this.#keepFromCaches()
  }

  /** A shared cache may keep what tells an id, a cookie even (RFC 9111 7.3), unless told not to. */
  #keepFromCaches(): void {
    const control = this.#exchange.responseHeader('Cache-Control') ?? ''
    if (!/(?:^|[\s,])(?:no-store|private)(?:$|[\s,])/i.test(control)) {
      this.#exchange.setHeader('Cache-Control', 'no-store')
    }
  }

  #vary(name: string): void {
    const vary = this.#exchange.responseHeader('Vary')
    if (vary === undefined || vary === '') this.#exchange.setHeader('Vary', name)
    else if (!mentions(vary, name)) this.#exchange.setHeader('Vary', `${vary}, ${name}`)
  }
}

/** Whether the client's side of the connection is TLS, as far as anybody may say so. */
export function isSecure(exchange: HttpExchange, { trustProxy }: HttpSettings): boolean {
  if (exchange.isEncrypted) return true
  if (!trustProxy) return false
  const protocols = exchange.requestHeader('x-forwarded-proto') ?? ''
  return protocols.split(',', 1)[0]?.trim().toLowerCase() === 'https'
}

function mentions(vary: string, name: string): boolean {
  const wanted = name.toLowerCase()
  return vary.split(',').some(part => [wanted, '*'].includes(part.trim().toLowerCase()))
}
