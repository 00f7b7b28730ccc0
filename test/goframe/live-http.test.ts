import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { KINDS, type Kind, openServers } from './both-servers.ts'
import { GO_VERSIONS, type GoVersion, whyNoGo } from './go-driver.ts'

let server: RedisServer
let connected: Connected
beforeAll(async () => {
  if (whyNoGo !== undefined) return
  server = await startServer()
  connected = await connect(server)
})
afterAll(async () => {
  connected?.close()
  await server?.close()
})

/** A browser that both servers share: cookies know hosts, and no ports (RFC 6265 8.5). */
class Browser {
  readonly #jar = new CookieJar()
  readonly #bases: Readonly<Record<string, string>>

  constructor(bases: Readonly<Record<string, string>>) {
    this.#bases = bases
  }

  /** The text of the answer, which must be a success. */
  async ask(side: 'go' | 'node', path: string, method = 'GET', body?: string): Promise<string> {
    const base = this.#bases[side] ?? ''
    const headers = { cookie: await this.#jar.getCookieString(base) }
    const init = { method, headers, ...(body === undefined ? {} : { body }) }
    const answer = await fetch(base + path, init)
    for (const line of answer.headers.getSetCookie()) await this.#jar.setCookie(line, base)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${side} ${path}: ${answer.status} ${text}`)
    return text
  }

  cookies(): Promise<string> {
    return this.#jar.getCookieString(this.#bases['go'] ?? '')
  }
}

async function openSite(version: GoVersion, kind: Kind): Promise<Browser> {
  const { go, node } = await openServers(version, kind, server, connected)
  return new Browser({ go, node })
}

describe.skipIf(whyNoGo)(
  `one browser before both servers (${whyNoGo ?? 'GoFrame is alive'})`,
  () => {
    describe.each(GO_VERSIONS)('GoFrame %s', version => {
      describe.each(KINDS)('%s', kind => {
        it('who signs in on the Go server is signed in on the Node server', async () => {
          const browser = await openSite(version, kind)
          await browser.ask('go', '/key/user', 'PUT', '"Ann"')
          expect(JSON.parse(await browser.ask('node', '/'))).toEqual({ user: 'Ann' })
          await browser.ask('node', '/del')
          expect(JSON.parse(await browser.ask('go', '/get'))).toEqual({})
        })

        it('who signs in on the Node server is signed in on the Go server', async () => {
          const browser = await openSite(version, kind)
          await browser.ask('node', '/key/user', 'PUT', '"Ann"')
          expect(await browser.cookies()).toMatch(/^gfsessionid=[\w-]+$/)
          expect(JSON.parse(await browser.ask('go', '/get'))).toMatchObject({ user: 'Ann' })
          await browser.ask('go', '/del')
          expect(JSON.parse(await browser.ask('node', '/'))).toEqual({})
        })

        it('what Node notes of its cookie survives a rewrite by Go, and shows only there', async () => {
          const browser = await openSite(version, kind)
          await browser.ask('node', '/key/user', 'PUT', '"Ann"')
          const noted = JSON.parse(await browser.ask('go', '/get')).__gsession
          expect(noted).toBeDefined()
          await browser.ask('go', '/key/more', 'PUT', '"text"')
          expect(JSON.parse(await browser.ask('go', '/get')).__gsession).toEqual(noted)
          expect(JSON.parse(await browser.ask('node', '/'))).toEqual({ user: 'Ann', more: 'text' })
        })

        it('a session that Node gave a new id goes on at the Go server', async () => {
          const browser = await openSite(version, kind)
          await browser.ask('go', '/key/user', 'PUT', '"Ann"')
          const before = await browser.cookies()
          await browser.ask('node', '/regenerate')
          expect(await browser.cookies()).not.toBe(before)
          expect(JSON.parse(await browser.ask('go', '/get'))).toMatchObject({ user: 'Ann' })
        })

        it.skipIf(version === '2.6.4' || kind === 'hash')(
          'a session that Go gave a new id goes on at the Node server',
          async () => {
            const browser = await openSite(version, kind)
            await browser.ask('node', '/key/user', 'PUT', '"Ann"')
            const before = await browser.cookies()
            await browser.ask('go', '/regenerate')
            expect(await browser.cookies()).not.toBe(before)
            expect(JSON.parse(await browser.ask('node', '/'))).toEqual({ user: 'Ann' })
          },
        )
      })
    })
  },
)
