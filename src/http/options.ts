import { type Duration, parseDuration } from '../core/duration.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { Recent } from '../core/recent.ts'
import type { CookieAttributes } from './cookie.ts'
import { checkName, defaultName, isToken, PREFIX } from './cookie-name.ts'
import { FOREIGN_ATTRIBUTES, FOREIGN_OPTIONS } from './foreign-options.ts'

/** How the id travels over HTTP. The same options in every adapter. */
export interface HttpSessionOptions {
  /**
   * The cookie's name. When you give one, it is used as it is; `__Host-`, `__Secure-`, `__Http-` and
   * `__Host-Http-` in front of it must be spelt so, and fit the cookie's attributes. Not with
   * `cookie: false`.
   *
   * @default `sid`; on secure connections `__Host-sid`, which other hosts cannot set (`__Secure-sid`
   * if a `domain` or `path` is given)
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
   * Whether `X-Forwarded-Proto` of the request tells if the connection is secure. Only if a proxy of
   * yours sets it: clients can send it too.
   *
   * @default false
   */
  trustProxy?: boolean
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

export interface CookieOptions {
  /**
   * How long the cookie lives, renewed now and then while the session is used; 0: until the browser
   * is closed.
   *
   * @default the manager's ttl
   */
  maxAge?: Duration | 0
  /** @default '/' */
  path?: string
  /** @default none: this host only */
  domain?: string
  /**
   * `'auto'`: as the connection is. `true`: always, for TLS that ends in front of a server that
   * cannot tell. `false`: never.
   *
   * @default 'auto'
   */
  secure?: boolean | 'auto'
  /** Keeps the cookie from scripts in the page. @default true */
  httpOnly?: boolean
  /** @default 'lax' */
  sameSite?: 'lax' | 'strict' | 'none' | false
  /** Keeps a third party's cookie apart for each site that embeds it. @default false */
  partitioned?: boolean
  /** What Chrome drops last when it has too many cookies. @default none */
  priority?: 'low' | 'medium' | 'high'
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
const COOKIE_OPTIONS = [
  'maxAge',
  'path',
  'domain',
  'secure',
  'httpOnly',
  'sameSite',
  'partitioned',
  'priority',
] as const

/** A cookie as it is set on one kind of connection. */
export interface NamedCookie {
  readonly name: string
  readonly attributes: CookieAttributes
}

/** Options, checked and complete. */
export interface HttpSettings {
  readonly property: string
  /** Undefined when no cookie is used. */
  readonly cookie:
    | {
        readonly onSecure: NamedCookie
        readonly onPlain: NamedCookie
        /** Milliseconds; 0: until the browser is closed; undefined: the manager's ttl. */
        readonly maxAge: number | undefined
      }
    | undefined
  /** In lower case; undefined when no header is used. */
  readonly header: string | undefined
  readonly trustProxy: boolean
  readonly saveOnError: boolean
  readonly asyncContext: boolean
  /** When the cookies of recent sessions were set, by id, as far as this process knows. */
  readonly cookieTimes: Recent<number>
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
  const { trustProxy = false, saveOnError = true, asyncContext = false } = options
  if (cookie === false && header === false) {
    refuseOption('header', 'a header name when `cookie` is false', header)
  }
  if (cookie === false && options.name !== undefined) {
    refuseOption('name', 'left out when `cookie` is false: `header` is the name then', options.name)
  }
  if (header !== false) check('header', isToken(header), 'a header name', header)
  for (const [name, flag] of Object.entries({ trustProxy, saveOnError, asyncContext })) {
    check(name, typeof flag === 'boolean', 'true or false', flag)
  }
  return {
    property,
    cookie: cookie === false ? undefined : resolveCookie(options.name, cookie),
    header: header === false ? undefined : header.toLowerCase(),
    trustProxy,
    saveOnError,
    asyncContext,
    cookieTimes: new Recent(COOKIE_TIMES),
  }
}

/** Some megabytes at most. */
const COOKIE_TIMES = 10_000

/** RFC 6265bis 4.1.1: no control characters, no semicolon; browsers ignore more than 1024 bytes. */
const PATH = /^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/
const DOMAIN =
  /^\.?(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
function resolveCookie(name: string | undefined, options: CookieOptions): HttpSettings['cookie'] {
  const areOptions = typeof options === 'object' && options !== null
  check('cookie', areOptions, "an object of the cookie's attributes, or false", options)
  refuseUnknownOptions(options, COOKIE_OPTIONS, 'cookie', FOREIGN_ATTRIBUTES)
  checkAttributes(options)
  if (name !== undefined) checkName(name)
  const { maxAge, secure = 'auto' } = options
  // Browsers take these names from nobody but secure cookies, whatever the server knows.
  const isPrefixed = PREFIX.test(name ?? '')
  return {
    onSecure: nameCookie(name, options, secure !== false),
    onPlain: nameCookie(name, options, secure === true || (isPrefixed && secure === 'auto')),
    maxAge: maxAge === undefined || maxAge === 0 ? maxAge : parseDuration('cookie.maxAge', maxAge),
  }
}

function nameCookie(
  name: string | undefined,
  options: CookieOptions,
  secure: boolean,
): NamedCookie {
  const { path = '/', domain, httpOnly = true, sameSite = 'lax', partitioned = false } = options
  const attributes = {
    path,
    domain: domain?.replace(/^\./, ''),
    secure,
    httpOnly,
    sameSite,
    partitioned,
    priority: options.priority,
  }
  const named = { name: name ?? defaultName(attributes), attributes }
  checkCombination(named, options.secure ?? 'auto')
  return named
}

/**
 * What RFC 6265bis 4.1.3 and 5.7 have browsers refuse, refused at start; and what its successor adds
 * (draft-ietf-httpbis-layered-cookies): `__Http-` and `__Host-Http-`.
 */
function checkCombination({ name, attributes }: NamedCookie, asked: boolean | 'auto'): void {
  const { path, domain, httpOnly, sameSite, partitioned, secure } = attributes
  const prefix = PREFIX.exec(name)?.[0] ?? ''
  if (prefix !== '') {
    check('name', secure, `without \`${prefix}\` unless the cookie is secure`, name)
  }
  if (/^__host-/i.test(prefix)) {
    check('name', domain === undefined, `without \`${prefix}\` when a \`domain\` is given`, name)
    check('name', path === '/', `without \`${prefix}\` unless \`path\` is '/'`, name)
  }
  if (/http-$/i.test(prefix)) {
    check('name', httpOnly, `without \`${prefix}\` unless the cookie is \`httpOnly\``, name)
  }
  // On plain connections 'auto' means development: the cookie is then what the browser takes there.
  if (asked === 'auto') return
  if (sameSite === 'none') check('cookie.secure', secure, "true when `sameSite` is 'none'", asked)
  if (partitioned) check('cookie.secure', secure, 'true when `partitioned` is set', asked)
}

function checkAttributes(options: CookieOptions): void {
  const { path = '/', domain, secure = 'auto', sameSite = 'lax', priority = 'low' } = options
  check('cookie.path', PATH.test(path), "a path that starts with '/'", path)
  if (domain !== undefined) check('cookie.domain', isHost(domain), 'a host name', domain)
  check('cookie.secure', [true, false, 'auto'].includes(secure), "true, false or 'auto'", secure)
  const sites = ['lax', 'strict', 'none', false]
  check('cookie.sameSite', sites.includes(sameSite), "'lax', 'strict', 'none' or false", sameSite)
  const priorities = ['low', 'medium', 'high']
  check('cookie.priority', priorities.includes(priority), "'low', 'medium' or 'high'", priority)
  for (const name of ['httpOnly', 'partitioned'] as const) {
    const flag = options[name] ?? false
    check(`cookie.${name}`, typeof flag === 'boolean', 'true or false', flag)
  }
}

/** No name that every object has. */
function isPropertyName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !(value in Object.prototype)
}

function isHost(value: unknown): boolean {
  return typeof value === 'string' && DOMAIN.test(value)
}

function check(name: string, holds: boolean, expected: string, got: unknown): void {
  if (!holds) refuseOption(name, expected, got)
}
