import { CookieJar } from 'tough-cookie'
import type { FrameworkServer } from './servers.ts'

export interface PageAnswer {
  readonly status: number
  readonly location: string | null
  readonly setCookies: readonly string[]
  readonly text: string
}

type Form = URLSearchParams | FormData

/** A browser at one server: keeps cookies, tells where its forms are from, follows no redirect. */
export class Visitor {
  readonly #jar = new CookieJar()
  readonly #server: FrameworkServer

  constructor(server: FrameworkServer) {
    this.#server = server
  }

  /** One that has logged in. */
  static async loggedIn(server: FrameworkServer, user = 'ann'): Promise<Visitor> {
    const visitor = new Visitor(server)
    await visitor.send('POST', '/login', { user })
    return visitor
  }

  get(path: string): Promise<PageAnswer> {
    return this.#ask(path, { method: 'GET' })
  }

  send(
    method: 'POST' | 'PUT',
    path: string,
    form: Readonly<Record<string, string>>,
  ): Promise<PageAnswer> {
    return this.submit(method, path, new URLSearchParams(form))
  }

  submit(method: 'POST' | 'PUT', path: string, body: Form): Promise<PageAnswer> {
    return this.#ask(path, { method, body, headers: { origin: this.#server.url } })
  }

  /** The value of its session cookie, or undefined. */
  async id(): Promise<string | undefined> {
    const cookies = await this.#jar.getCookies(this.#server.url)
    return cookies.find(({ key }) => key === this.#server.cookie)?.value
  }

  async #ask(path: string, init: RequestInit): Promise<PageAnswer> {
    const { url } = this.#server
    const headers = new Headers({ accept: 'text/html', ...this.#server.headers })
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
    const cookie = await this.#jar.getCookieString(url)
    if (cookie !== '') headers.set('cookie', cookie)
    const answer = await fetch(url + path, { ...init, headers, redirect: 'manual' })
    const setCookies = answer.headers.getSetCookie()
    for (const line of setCookies) await this.#jar.setCookie(line, url)
    const location = answer.headers.get('location')
    return { status: answer.status, location, setCookies, text: await answer.text() }
  }
}
