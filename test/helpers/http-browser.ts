import { CookieJar } from 'tough-cookie'
import { type Answer, type Ask, ask } from './http-client.ts'
import { isSecureKind, type TestServer } from './http-servers.ts'

/** A client that keeps cookies as RFC 6265bis says, name prefixes included. */
export class Browser {
  readonly jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
  readonly #server: TestServer

  constructor(server: TestServer) {
    this.#server = server
  }

  async ask(path = '/', options: Ask = {}): Promise<Answer> {
    const answer = await ask(this.#server, path, {
      ...options,
      headers: { ...options.headers, ...(await this.#cookieHeader(path)) },
    })
    for (const line of answer.setCookies) await this.jar.setCookie(line, this.#url(path))
    return answer
  }

  /** The names of the cookies that it holds, and their values. */
  async cookies(path = '/'): Promise<Record<string, string>> {
    const cookies = await this.jar.getCookies(this.#url(path))
    return Object.fromEntries(cookies.map(({ key, value }) => [key, value]))
  }

  async #cookieHeader(path: string): Promise<Record<string, string>> {
    const cookie = await this.jar.getCookieString(this.#url(path))
    return cookie === '' ? {} : { cookie }
  }

  #url(path: string): string {
    return `${isSecureKind(this.#server.kind) ? 'https' : 'http'}://localhost${path}`
  }
}
