import type { ServerResponse } from 'node:http'
import { Manager, StorageMemory } from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { SharedCache } from '../helpers/http-cache.ts'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookie } from '../helpers/http-cookies.ts'
import { type Handler, type Kind, serve } from '../helpers/http-servers.ts'

const start = (handler: Handler, options: NodeSessionOptions = {}, kind: Kind = 'http') =>
  serve(kind, new Manager({ storage: new StorageMemory() }), handler, options)

/** Begins a session (`/set`), reads it or leaves it alone, and answers as it is told. */
const answering =
  (answer: (response: ServerResponse) => unknown): Handler =>
  async ({ url, session }, response) => {
    if (url === '/set') await session.set('user', 'ann')
    if (url === '/get') await session.get('user')
    if (url === '/del') await session.removeAll()
    answer(response)
  }

const names = (header: string | undefined): string[] => (header ?? '').split(', ')

describe.each(['http', 'h2c'] as const)('Cache-Control over %s', kind => {
  const WAYS: Readonly<Record<string, (value: string) => (response: ServerResponse) => unknown>> = {
    setHeader: value => response => {
      response.setHeader('Cache-Control', value)
      response.end()
    },
    writeHead: value => response => response.writeHead(200, { 'cache-control': value }).end(),
    'writeHead with a flat array': value => response =>
      response.writeHead(200, ['Cache-Control', value]).end(),
  }
  const EXPECTED: readonly [given: string, sent: string][] = [
    ['public, max-age=60', 'no-store'],
    ['public', 'no-store'],
    ['s-maxage=60', 'no-store'],
    ['no-cache="Set-Cookie"', 'no-store'],
    ['private="x-user"', 'no-store'],
    ['x-private-thing', 'no-store'],
    ['no-cache', 'no-store'],
    ['private', 'private'],
    ['Private, max-age=60', 'Private, max-age=60'],
    ['max-age=60,private', 'max-age=60,private'],
    ['no-store', 'no-store'],
    ['no-cache, no-store', 'no-cache, no-store'],
  ]
  const cases = Object.keys(WAYS).flatMap(way => EXPECTED.map(([a, b]) => [way, a, b] as const))

  it.each(cases)('%s: %s becomes %s when a cookie is set', async (way, given, sent) => {
    const server = await start(answering(WAYS[way]?.(given) ?? (() => undefined)), {}, kind)

    expect((await ask(server, '/set')).headers['cache-control']).toBe(sent)
  })

  it('is no-store where the application gave none, when a cookie is set or removed', async () => {
    const server = await start(
      answering(response => response.end()),
      {},
      kind,
    )
    const answer = await ask(server, '/set')

    expect(answer.headers['cache-control']).toBe('no-store')
    const removal = await askAs(cookieFrom(answer), server, '/del')
    expect(sessionCookie(removal).value).toBe('')
    expect(removal.headers['cache-control']).toBe('no-store')
  })

  it('is left alone when no cookie is set', async () => {
    const handler = answering(WAYS['setHeader']?.('public, max-age=60') ?? (() => undefined))
    const server = await start(handler, {}, kind)
    const cookie = cookieFrom(await ask(server, '/set'))

    for (const path of ['/get', '/set']) {
      const { headers } = await askAs(cookie, server, path)
      expect(headers['cache-control']).toBe('public, max-age=60')
    }
  })
})

describe.each(['http', 'h2c'] as const)('Vary over %s', kind => {
  const startWith = (answer: (response: ServerResponse) => unknown, options?: NodeSessionOptions) =>
    start(answering(answer), options, kind)

  it('names Cookie whenever the session was used, and never else', async () => {
    const server = await startWith(response => response.end())
    const first = await ask(server, '/set')
    const cookie = cookieFrom(first)

    expect(first.headers['vary']).toBe('Cookie')
    for (const path of ['/get', '/set', '/del']) {
      expect((await ask(server, path)).headers['vary'], path).toBe('Cookie')
      expect((await askAs(cookie, server, path)).headers['vary'], path).toBe('Cookie')
    }
    expect((await askAs(cookie, server, '/other')).headers).not.toHaveProperty('vary')
  })

  it('names the header too, if ids come in one', async () => {
    const server = await startWith(response => response.end(), { header: 'X-Session' })

    expect(names((await ask(server, '/get')).headers['vary'])).toEqual(['Cookie', 'x-session'])
  })

  const MERGED: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    'set before': response => {
      response.setHeader('Vary', 'Accept-Encoding')
      response.end()
    },
    'set as an array': response => {
      response.setHeader('Vary', ['Accept-Encoding'])
      response.end()
    },
    'given to writeHead': response => response.writeHead(200, { vary: 'Accept-Encoding' }).end(),
    'given to writeHead as a flat array': response =>
      response.writeHead(200, ['Vary', 'Accept-Encoding']).end(),
  }
  it.each(Object.entries(MERGED))("keeps the application's own, %s", async (_, answer) => {
    const server = await startWith(answer)

    for (const path of ['/set', '/get']) {
      const { headers } = await ask(server, path)
      expect(names(headers['vary']), path).toEqual(['Accept-Encoding', 'Cookie'])
    }
    expect((await ask(server, '/other')).headers['vary']).toBe('Accept-Encoding')
  })

  it('keeps what the application set before the session was used', async () => {
    const server = await start(
      async ({ session }, response) => {
        response.setHeader('Vary', ['Accept', 'Origin'])
        await session.set('user', 'ann')
        response.end()
      },
      {},
      kind,
    )

    expect(names((await ask(server)).headers['vary'])).toEqual(['Accept', 'Origin', 'Cookie'])
  })

  it.each(['Cookie', 'cookie', 'Accept, COOKIE', '*'])('adds nothing to %j', async given => {
    const server = await startWith(response => response.writeHead(200, { Vary: given }).end())

    expect((await ask(server, '/get')).headers['vary']).toBe(given)
  })

  it('is not fooled by a name that holds the word', async () => {
    const server = await startWith(response => response.writeHead(200, { Vary: 'X-Cookie' }).end())

    expect(names((await ask(server, '/get')).headers['vary'])).toEqual(['X-Cookie', 'Cookie'])
  })
})

describe('a shared cache between the users and the server', () => {
  /** An application that would like everything to be cached. */
  const greeting: Handler = async ({ url, session }, response) => {
    response.setHeader('Cache-Control', 'public, max-age=3600')
    if (url === '/login') await session.update('visits', (n: unknown) => Number(n ?? 0) + 1)
    if (url === '/style.css') response.end('body {}')
    else response.end(`visits: ${await session.get('visits')}`)
  }
  const idIn = ({ setCookies, headers }: Answer): unknown => [setCookies, headers['x-session']]

  it('never gives one user the cookie of another', async () => {
    const cache = new SharedCache(await start(greeting))
    const answers = [
      await cache.ask('/login'),
      await cache.ask('/login'),
      await cache.ask('/login'),
    ]

    expect(new Set(answers.map(cookieFrom)).size).toBe(3)
    expect(cache.hits).toBe(0)
  })

  it('never shows one user the page of another', async () => {
    const cache = new SharedCache(await start(greeting))
    const ann = { headers: { Cookie: cookieFrom(await cache.ask('/login')) } }
    const bob = { headers: { Cookie: cookieFrom(await cache.ask('/login')) } }
    await cache.ask('/login', ann)

    expect((await cache.ask('/page', ann)).text).toBe('visits: 2')
    expect((await cache.ask('/page', bob)).text).toBe('visits: 1')
    expect((await cache.ask('/page')).text).toBe('visits: undefined')
    expect((await cache.ask('/page', ann)).text).toBe('visits: 2')
    expect(cache.hits).toBe(1)
  })

  it('never gives one client the id in the header of another', async () => {
    const cache = new SharedCache(await start(greeting, { cookie: false, header: 'X-Session' }))
    const [first, second] = [await cache.ask('/login'), await cache.ask('/login')]

    expect(idIn(first)).not.toEqual(idIn(second))
    expect(cache.hits).toBe(0)
  })

  it('may keep what has nothing to do with the session', async () => {
    const cache = new SharedCache(await start(greeting))
    const ann = { headers: { Cookie: cookieFrom(await cache.ask('/login')) } }
    await cache.ask('/style.css', ann)
    await cache.ask('/style.css')

    expect(cache.hits).toBe(1)
  })
})
