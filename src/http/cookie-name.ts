import { refuseOption } from '../core/options.ts'
import type { CookieAttributes } from './cookie.ts'

/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** With an id of 128 characters and every attribute, the name still leaves room below 4096 bytes. */
const LONGEST_NAME = 256

/** The names that browsers protect, in any letter case; the dash is part of them. */
export const PREFIX: RegExp = /^__(?:host-http|host|secure|http)-/i
/**
 * Names that mean to be such, but are not, so that no browser protects them. The words are honest,
 * even with one sign of such a prefix: `host_session`, `Host_id`, `secure-id`, `_http_session`. Not
 * with two: marks twice in a row, or two of a mark in front, the capital letter, and the dash.
 */
const MISSPELT_PREFIXES = [
  /^[-_]{2,}(host|secure|http)(?![a-z\d])/i,
  /^[-_]{2,}(Host|Secure|Http)/,
  /^[-_]?(host|secure|http)[-_]{2}/i,
  /^[-_](host|secure|http)-/i,
  /^[-_](Host|Secure|Http)(?![a-z\d])/,
  /^(Host|Secure|Http)-/,
]

export function checkName(name: string): void {
  if (!isToken(name) || name.length > LONGEST_NAME) refuseOption('name', 'a cookie name', name)
  if (PREFIX.test(name)) return
  const word = MISSPELT_PREFIXES.map(pattern => pattern.exec(name)?.[1]).find(Boolean)
  if (word === undefined) return
  const [first = '', ...others] = word.toLowerCase()
  const single = `__${first.toUpperCase()}${others.join('')}-`
  const prefix = /host[-_]*http/i.test(name) ? '__Host-Http-' : single
  refuseOption('name', `spelt with \`${prefix}\` in front, or another name`, name)
}

/** The most that browsers protect: those that do not know `__Host-Http-` take it for `__Host-`. */
export function defaultName({ secure, domain, path, httpOnly }: CookieAttributes): string {
  if (!secure) return 'sid'
  if (domain !== undefined || path !== '/') return '__Secure-sid'
  return httpOnly ? '__Host-Http-sid' : '__Host-sid'
}

export function isToken(value: unknown): boolean {
  return typeof value === 'string' && TOKEN.test(value)
}
