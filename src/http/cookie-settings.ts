import { type Duration, parseDuration } from '../core/duration.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import type { CookieAttributes } from './cookie.ts'
import { checkName, defaultName, PREFIX } from './cookie-name.ts'
import { FOREIGN_ATTRIBUTES } from './foreign-options.ts'

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

/** The cookie that carries the id. */
export interface CookieSettings {
  readonly onSecure: NamedCookie
  readonly onPlain: NamedCookie
  /** Whether all pages come over TLS, as the options say, whatever the connection seems to be. */
  readonly isAlwaysOverTls: boolean
  /** Milliseconds; 0: until the browser is closed; undefined: the manager's ttl. */
  readonly maxAge: number | undefined
}

/** RFC 6265bis 4.1.1: no control characters, no semicolon; browsers ignore more than 1024 bytes. */
const PATH = /^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/
const DOMAIN =
  /^\.?(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

/**
 * Checks the cookie's options and fills in what is not given.
 *
 * @throws {@link SessionError} `ERR_OPTION` for values, or combinations, that browsers would refuse
 */
export function resolveCookie(name: string | undefined, options: CookieOptions): CookieSettings {
  const areOptions = typeof options === 'object' && options !== null
  check('cookie', areOptions, "an object of the cookie's attributes, or false", options)
  refuseUnknownOptions(options, COOKIE_OPTIONS, 'cookie', FOREIGN_ATTRIBUTES)
  checkAttributes(options)
  if (name !== undefined) checkName(name)
  const { maxAge, secure = 'auto', sameSite, partitioned = false } = options
  // Browsers take these names from nobody but secure cookies, whatever the server knows.
  const isAlwaysOverTls = secure === true || (PREFIX.test(name ?? '') && secure === 'auto')
  const onPlain = nameCookie(name, options, isAlwaysOverTls)
  // Nor these attributes; from localhost they take `Secure` without TLS.
  const needsSecure = sameSite === 'none' || partitioned
  return {
    onSecure: nameCookie(name, options, secure !== false),
    onPlain: needsSecure ? withSecure(onPlain) : onPlain,
    isAlwaysOverTls,
    maxAge: maxAge === undefined || maxAge === 0 ? maxAge : parseDuration('cookie.maxAge', maxAge),
  }
}

function withSecure({ name, attributes }: NamedCookie): NamedCookie {
  return { name, attributes: { ...attributes, secure: true } }
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
  // On plain connections 'auto' adds `Secure` for these.
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

function isHost(value: unknown): boolean {
  return typeof value === 'string' && DOMAIN.test(value)
}

function check(name: string, holds: boolean, expected: string, got: unknown): void {
  if (!holds) refuseOption(name, expected, got)
}
