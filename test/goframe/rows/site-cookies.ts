import { type Cookie, parseSetCookie } from 'set-cookie-parser'
import { type Answer, type Ask, ask } from '../../helpers/http-client.ts'
import type { TestServer } from '../../helpers/http-servers.ts'

/** The one cookie that an answer sets, which must be that of the session. */
export function cookieOf({ setCookies }: Answer): Cookie {
  const [cookie, ...others] = parseSetCookie([...setCookies])
  if (cookie?.name !== 'gfsessionid' || others.length > 0) {
    throw new Error(`Expected one cookie gfsessionid, got ${JSON.stringify(setCookies)}`)
  }
  return cookie
}

/** The id of the session that an answer has begun. */
export function idOf(answer: Answer): string {
  return cookieOf(answer).value
}

/** Asks with the id of a session in the cookie. */
export function askWith(
  id: string,
  server: TestServer,
  path: string,
  options: Ask = {},
): Promise<Answer> {
  return ask(server, path, { ...options, headers: { cookie: `gfsessionid=${id}` } })
}

/** What a request needs to set a key: the value as its body. */
export function putting(value: unknown): Ask {
  return { method: 'PUT', body: JSON.stringify(value) }
}
