import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { goframe, Manager, StorageFile } from 'gsession'
import { session } from 'gsession/http'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { CookieJar } from 'tough-cookie'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { GO_VERSIONS, type GoPlace, type GoVersion, programOf, whyNoGo } from './go-driver.ts'

const TTL = 60_000
const KINDS = ['file', 'kv', 'hash'] as const

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

async function openSite(version: GoVersion, kind: (typeof KINDS)[number]): Promise<Browser> {
  const where = kind === 'file' ? tempFolder() : `http:${version}:${kind}:${Math.random()}:`
  const preset = goframe({ ttl: TTL, path: where, prefix: where })
  const redis = { ...preset.redis, client: connected.client }
  const storage =
    kind === 'file'
      ? new StorageFile(preset.file)
      : new (kind === 'kv' ? StorageRedis : StorageRedisHashTable)(redis)
  const manager = new Manager({ ...preset.manager, storage })
  const node = await serveNode(manager, preset.http)
  const place = { kind, path: where, redis: `127.0.0.1:${server.port}`, prefix: where, ttl: TTL }
  const go = await serveGo(version, place)
  onTestFinished(async () => {
    go.process.kill('SIGKILL')
    node.close()
    node.closeAllConnections()
    await manager.close()
  })
  return new Browser({
    go: `http://127.0.0.1:${go.port}`,
    node: `http://127.0.0.1:${(node.address() as AddressInfo).port}`,
  })
}

async function serveNode(
  manager: Manager,
  options: Parameters<typeof session>[1],
): Promise<Server> {
  const listener = session(
    manager,
    options,
  )(async (request, response) => {
    const [, action = '', key = ''] = (request.url ?? '').split('/')
    if (action === 'key' && request.method === 'PUT') {
      let body = ''
      for await (const chunk of request) body += chunk
      await request.session.set(key, JSON.parse(body))
    }
    if (action === 'regenerate') await request.session.regenerateId()
    if (action === 'del') await request.session.removeAll()
    response.end(JSON.stringify(await request.session.data()))
  })
  const node = createServer(listener).listen(0, '127.0.0.1')
  await once(node, 'listening')
  return node
}

async function serveGo(
  version: GoVersion,
  place: GoPlace,
): Promise<{ port: number; process: ChildProcessWithoutNullStreams }> {
  const process = spawn(programOf(version), ['serve', JSON.stringify({ one: place })])
  process.stderr.resume()
  for await (const line of createInterface(process.stdout)) {
    if (line.startsWith('{')) return { port: JSON.parse(line).one, process }
  }
  throw new Error('The Go server did not start')
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
