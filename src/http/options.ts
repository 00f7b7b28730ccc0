import type { IncomingHttpHeaders } from 'node:http'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { Recent } from '../core/recent.ts'
import { isToken } from './cookie-name.ts'
import { type CookieOptions, type CookieSettings, resolveCookie } from './cookie-settings.ts'
import { FOREIGN_OPTIONS } from './foreign-options.ts'
import { MoveTimes } from './move-times.ts'

/** What every request has, of Node and of the Fetch API. */
export interface ProxiedRequest {
  readonly headers: IncomingHttpHeaders | Headers
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The proxy's end, of a Node request. */
  readonly socket?: { readonly remoteAddress?: string | undefined }
}

/** A method, so that functions fit that are written for one type of request. */
interface TrustsProxy {
  of(request: ProxiedRequest): boolean
}

/** How the id travels over HTTP. The same options in every adapter. */
export interface HttpSessionOptions {
  /**
   * The cookie's name. When you give one, it is used as it is; `__Host-`, `__Secure-`, `__Http-` and
   * `__Host-Http-` in front of it must be spelt so, and fit the cookie's attributes. Not with
   * `cookie: false`.
   *
   * @default `sid`; on secure connections `__Host-Http-sid`, which neither other hosts nor scripts can
   * set (`__Host-sid` if not `httpOnly`, `__Secure-sid` if a `domain` or `path` is given)
   */
  name?: string
  /** The cookie's attributes, or `false` for no cookie: then `header` must carry the id. */
  cookie?: CookieOptions | false
  /**
   * A header that may carry the id where there is no cookie, for clients that are not browsers. New
   * ids are answered in it to requests that sent it, even empty, or if `cookie` is `false`.
   *
   * @default false
   */
  header?: string | false
  /**
   * Whether a proxy says if the connection is secure, by `X-Forwarded-Proto` or `Forwarded` of the
   * request: for all requests, none, or those for which a function answers `true`. It is given the
   * `IncomingMessage`, in `gsession/fetch` and Hono the `Request`: annotate its parameter so. Only if a
   * proxy of yours sets these headers: clients can send them too.
   *
   * @default as the framework's own setting for proxies says; without one, the connection itself counts
   */
  trustProxy?: boolean | TrustsProxy['of']
  /**
   * Whether what was changed is stored when the request fails, as in GoFrame: when its handler throws,
   * or the answer has a status of 500 or above.
   *
   * @default true
   */
  saveOnError?: boolean
  /**
   * Whether `currentSession()` finds the session from anywhere below the handler. It slows down every
   * promise that the program makes, on Node 20 and 22 more than on later ones.
   *
   * @default false
   */
  asyncContext?: boolean
  /**
   * Where handlers find the session: `request[property]`, `ctx[property]`, `c.get(property)`; where it is
   * handed to them, the name for `currentSession(property)` alone. A second session beside the first
   * needs a `property` and a `name` of its own: adapters that do not fit are an `ERR_OPTION` on the first
   * request that comes to both.
   *
   * @default 'session'
   */
  property?: string
}

const OPTIONS = [
  'name',
  'cookie',
  'header',
  'trustProxy',
  'saveOnError',
  'asyncContext',
  'property',
] as const

/** Options, checked and complete. */
export interface HttpSettings {
  readonly property: string
  /** Undefined when no cookie is used. */
  readonly cookie: CookieSettings | undefined
  /** In lower case; undefined when no header is used. */
  readonly header: string | undefined
  /** Undefined: as the framework says. */
  readonly trustProxy: boolean | ((request: unknown) => boolean) | undefined
  readonly saveOnError: boolean
  readonly asyncContext: boolean
  /** When the cookies of recent sessions were set, by id, as far as this process knows. */
  readonly cookieTimes: Recent<number>
  readonly moveTimes: MoveTimes
  /** What was warned of already. */
  readonly warned: { ofProxy: boolean }
}

/**
 * Checks the options and fills in what is not given.
 *
 * @param alsoKnown - the names of the adapter's own options
 * @throws {@link SessionError} `ERR_OPTION` for values, or combinations, that browsers would refuse
 */
export function resolveHttpOptions(
  options: HttpSessionOptions,
  alsoKnown: readonly string[] = [],
): HttpSettings {
  refuseUnknownOptions(options, [...OPTIONS, ...alsoKnown], undefined, FOREIGN_OPTIONS)
  const { property = 'session', cookie = {}, header = false } = options
  check('property', isPropertyName(property), 'the name of a property', property)
  const { trustProxy, saveOnError = true, asyncContext = false } = options
  if (cookie === false && header === false) {
    refuseOption('header', 'a header name when `cookie` is false', header)
  }
  if (cookie === false && options.name !== undefined) {
    refuseOption('name', 'left out when `cookie` is false: `header` is the name then', options.name)
  }
  if (header !== false) check('header', isToken(header), 'a header name', header)
  if (trustProxy !== undefined && typeof trustProxy !== 'function') {
    check('trustProxy', typeof trustProxy === 'boolean', 'true, false or a function', trustProxy)
  }
  for (const [name, flag] of Object.entries({ saveOnError, asyncContext })) {
    check(name, typeof flag === 'boolean', 'true or false', flag)
  }
  return {
    property,
    cookie: cookie === false ? undefined : resolveCookie(options.name, cookie),
    header: header === false ? undefined : header.toLowerCase(),
    trustProxy: trustProxy as HttpSettings['trustProxy'],
    saveOnError,
    asyncContext,
    cookieTimes: new Recent(COOKIE_TIMES),
    moveTimes: new MoveTimes(),
    warned: { ofProxy: false },
  }
}

/** Some megabytes at most. */
const COOKIE_TIMES = 10_000

/** No name that every object has. */
function isPropertyName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !(value in Object.prototype)
}

function check(name: string, holds: boolean, expected: string, got: unknown): void {
  if (!holds) refuseOption(name, expected, got)
}
