import { type Cookie, parseSetCookie } from 'set-cookie-parser'
import type { Answer } from './http-client.ts'
import { isSecureKind, type Kind } from './http-servers.ts'

/** The name that the session's cookie has by default. */
export const cookieName = (kind: Kind): string => (isSecureKind(kind) ? '__Host-Http-sid' : 'sid')

/** The session cookies that an answer sets, whatever other cookies it sets. */
export function sessionCookies({ setCookies }: Answer): Cookie[] {
  return setCookies.flatMap(line => parseSetCookie([line])).filter(({ name }) => /sid$/.test(name))
}

/** The one session cookie of an answer; no other number of them will do. */
export function sessionCookie(answer: Answer): Cookie {
  const [cookie, ...others] = sessionCookies(answer)
  if (cookie === undefined || others.length > 0) {
    throw new Error(`Expected one session cookie, got ${JSON.stringify(answer.setCookies)}`)
  }
  return cookie
}

/** The Cookie header of a client that took the session cookie of this answer. */
export function cookieFrom(answer: Answer): string {
  const { name, value } = sessionCookie(answer)
  return `${name}=${value}`
}
