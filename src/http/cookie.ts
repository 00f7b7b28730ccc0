import { isSessionId } from '../core/session-id.ts'

/** How a cookie is written: the attributes of RFC 6265bis 4.1, checked when options are resolved. */
export interface CookieAttributes {
  readonly path: string
  readonly domain: string | undefined
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: 'lax' | 'strict' | 'none' | false
  readonly partitioned: boolean
  readonly priority: 'low' | 'medium' | 'high' | undefined
}

/** Of more cookies of one name than an honest client has, the others are not looked at. */
const MAX_IDS = 3
const NO_IDS: readonly string[] = []

/**
 * The ids in a Cookie header: the values of the cookies of that name that have the shape of an id, three
 * at most. The last one comes first, as in GoFrame. Names are compared byte for byte, nothing is
 * decoded, and only spaces and tabs are trimmed (CVE-2020-7070, CVE-2023-23934 and their kind).
 */
export function findIdsInCookies(header: string, name: string): readonly string[] {
  const start = `${name}=`
  let ids: string[] | undefined
  let at = header.lastIndexOf(start)
  while (at !== -1) {
    const id = startsCookie(header, at) ? valueAt(header, at + start.length) : undefined
    if (isSessionId(id) && ids?.includes(id) !== true) {
      ids ??= []
      if (ids.push(id) === MAX_IDS) break
    }
    at = at === 0 ? -1 : header.lastIndexOf(start, at - 1)
  }
  return ids ?? NO_IDS
}

/** Whether a name stands where a cookie begins: first, or behind a semicolon. */
function startsCookie(header: string, at: number): boolean {
  let before = at - 1
  while (isBlank(header[before])) before--
  return before < 0 || header[before] === ';'
}

function valueAt(header: string, start: number): string {
  const semicolon = header.indexOf(';', start)
  let end = semicolon === -1 ? header.length : semicolon
  let from = start
  while (from < end && isBlank(header[from])) from++
  while (end > from && isBlank(header[end - 1])) end--
  const value = header.slice(from, end)
  return value.length > 1 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** Milliseconds: browsers keep no cookie for longer than 400 days (RFC 6265bis 5.5). */
export const LONGEST_COOKIE_AGE: number = 400 * 86_400_000

/**
 * A Set-Cookie header that gives the client an id, from now on for so many milliseconds; 0: until the
 * browser ends. `Max-Age` serves clients whose clock is wrong, `Expires` those that do not know it.
 */
export function idCookie(
  name: string,
  id: string,
  attributes: CookieAttributes,
  now: number,
  age: number,
): string {
  const life =
    age === 0 ? '' : `; Expires=${wholeSeconds(now + age)}; Max-Age=${Math.ceil(age / 1000)}`
  return `${name}=${id}${placeOf(attributes)}${life}${protectionOf(attributes)}`
}

const LONG_AGO = new Date(0).toUTCString()
/** The date that was written last: cookies of the same second have the same. */
let lastDate = { seconds: 0, text: LONG_AGO }

/** Dates in cookies have no fractions: rounded up, so that no cookie ends before its session. */
function wholeSeconds(time: number): string {
  const seconds = Math.ceil(time / 1000)
  if (seconds !== lastDate.seconds) {
    lastDate = { seconds, text: new Date(seconds * 1000).toUTCString() }
  }
  return lastDate.text
}

/**
 * A Set-Cookie header that makes the client forget the id. It carries the attributes that the cookie
 * was set with: without them a browser keeps a `__Host-` or partitioned cookie.
 */
export function removalCookie(name: string, attributes: CookieAttributes): string {
  return `${name}=${placeOf(attributes)}; Expires=${LONG_AGO}; Max-Age=0${protectionOf(attributes)}`
}

function placeOf({ path, domain }: CookieAttributes): string {
  return `; Path=${path}${domain === undefined ? '' : `; Domain=${domain}`}`
}

function protectionOf(attributes: CookieAttributes): string {
  let text = ''
  if (attributes.httpOnly) text += '; HttpOnly'
  if (attributes.secure) text += '; Secure'
  if (attributes.sameSite !== false) text += `; SameSite=${capitalize(attributes.sameSite)}`
  if (attributes.priority !== undefined) text += `; Priority=${capitalize(attributes.priority)}`
  if (attributes.partitioned) text += '; Partitioned'
  return text
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
