import type { IncomingMessage } from 'node:http'
import { refuseOption } from '../core/options.ts'
import { isSecure } from './connection.ts'
import type { HttpExchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'

/** Which pages may connect: these origins, those that the function takes, or with `false` all. */
export type Origins =
  | readonly string[]
  | ((origin: string, request: IncomingMessage) => boolean)
  | false

/** Whether the page that asked may connect. What sends no `Origin` is no browser, and may. */
export type OriginCheck = (exchange: HttpExchange, request: IncomingMessage) => boolean

/**
 * Checks the option. Without one, a page may connect to the host that it came from: no other site can
 * act through a visitor's browser (cross-site WebSocket hijacking, CWE-1385).
 *
 * @throws {@link SessionError} `ERR_OPTION` for what no browser would send as its origin
 */
export function resolveOrigins(origins: Origins | undefined, settings: HttpSettings): OriginCheck {
  if (origins === false) return () => true
  if (origins === undefined) {
    return checkOrigin((origin, exchange) => origin === ownOrigin(exchange, settings))
  }
  if (typeof origins === 'function') {
    // A promise is no answer, and must not pass for one.
    return checkOrigin((origin, _exchange, request) => origins(origin, request) === true)
  }
  if (!Array.isArray(origins)) {
    refuseOption('origins', 'a list of origins, a function, or false', origins)
  }
  for (const origin of origins) {
    if (!isOrigin(origin)) refuseOption('origins', "origins such as 'https://app.example'", origin)
  }
  const allowed = new Set<string>(origins)
  return checkOrigin(origin => allowed.has(origin))
}

function checkOrigin(
  allows: (origin: string, exchange: HttpExchange, request: IncomingMessage) => boolean,
): OriginCheck {
  return (exchange, request) => {
    const origin = exchange.requestHeader('origin')
    return origin === undefined || allows(origin, exchange, request)
  }
}

/** The origin of the pages of the host that was asked, `undefined` when that cannot be told. */
function ownOrigin(exchange: HttpExchange, settings: HttpSettings): string | undefined {
  // What sets a cookie that is always secure says that all its pages come over TLS.
  const isOverTls = isSecure(exchange, settings) || settings.cookie?.isAlwaysOverTls
  const url = `${isOverTls ? 'https' : 'http'}://${exchange.requestHeader('host') ?? ''}`
  return URL.canParse(url) ? new URL(url).origin : undefined
}

/** Of other schemes than http, URL does not tell the origin; native apps and extensions have them. */
const OTHER_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\s]*$/

/** Whether a browser may send it: `null` is the origin of sandboxed frames and local files. */
function isOrigin(origin: unknown): boolean {
  if (typeof origin !== 'string' || origin.includes('*')) return false
  if (origin === 'null') return true
  if (!/^https?:/i.test(origin)) return OTHER_ORIGIN.test(origin)
  return URL.canParse(origin) && new URL(origin).origin === origin
}
