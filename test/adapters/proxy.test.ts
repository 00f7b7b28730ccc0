import type { AddressInfo } from 'node:net'
import express from 'express'
import express4 from 'express-4'
import fastify from 'fastify'
import { Manager, StorageMemory } from 'gsession'
import { session as expressSession } from 'gsession/express'
import fastifySession from 'gsession/fastify'
import { session as fetchSession } from 'gsession/fetch'
import { type HttpSessionOptions, session as nodeSession } from 'gsession/http'
import { session as koaSession } from 'gsession/koa'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'
import { atEnd } from '../helpers/at-end.ts'
import { ask } from '../helpers/http-client.ts'
import { sessionCookie } from '../helpers/http-cookies.ts'
import { listen, type TestServer } from '../helpers/http-servers.ts'
import { serveFetch } from './apps/serve-fetch.ts'

type Start = (options: HttpSessionOptions, trusts: boolean) => Promise<TestServer>

const memory = (): Manager => new Manager({ storage: new StorageMemory() })

const expressApp =
  (make: typeof express): Start =>
  (options, trusts) => {
    const app = make()
    if (trusts) app.set('trust proxy', true)
    app.use(expressSession(memory(), options))
    app.use(async (request, response) => {
      await request.session.set('user' as never, 'ann' as never)
      response.end('ok')
    })
    return listen('http', app)
  }

const FRAMEWORKS: Readonly<Record<string, Start>> = {
  'Express 5': expressApp(express),
  'Express 4': expressApp(express4 as unknown as typeof express),
  Koa: (options, trusts) => {
    const app = new Koa({ proxy: trusts }).use(koaSession(memory(), options))
    app.use(async context => {
      await context.session.set('user' as never, 'ann' as never)
      context.body = 'ok'
    })
    return listen('http', app.callback())
  },
  Fastify: async (options, trusts) => {
    const app = fastify({ trustProxy: trusts })
    await app.register(fastifySession, { manager: memory(), ...options })
    app.get('/', async request => {
      await request.session.set('user' as never, 'ann' as never)
      return 'ok'
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    atEnd(() => app.close())
    return { kind: 'http', port: (app.server.address() as AddressInfo).port }
  },
}

const nodeApp: Start = options =>
  listen(
    'http',
    nodeSession(
      memory(),
      options,
    )(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.end('ok')
    }),
  )

const fetchApp: Start = options =>
  serveFetch(
    'http',
    fetchSession(
      memory(),
      options,
    )(async (_request, session) => {
      await session.set('user', 'ann')
      return new Response('ok')
    }),
  )

const HTTPS = { 'x-forwarded-proto': 'https' }

async function isSecure(server: TestServer, headers: Readonly<Record<string, string>>) {
  const { name, secure } = sessionCookie(await ask(server, '/', { headers }))
  expect(name).toBe(secure ? '__Host-Http-sid' : 'sid')
  return secure === true
}

describe.each(Object.entries(FRAMEWORKS))('%s behind a proxy', (_, start) => {
  it('is asked whether the connection is secure', async () => {
    expect(await isSecure(await start({}, true), HTTPS)).toBe(true)
    expect(await isSecure(await start({}, true), { 'x-forwarded-proto': 'http' })).toBe(false)
    expect(await isSecure(await start({}, true), {})).toBe(false)
    expect(await isSecure(await start({ trustProxy: false }, false), HTTPS)).toBe(false)
  })

  it('is not asked where trustProxy is given', async () => {
    expect(await isSecure(await start({ trustProxy: false }, true), HTTPS)).toBe(false)
    expect(await isSecure(await start({ trustProxy: true }, false), HTTPS)).toBe(true)
  })
})

const ALL = Object.entries({ ...FRAMEWORKS, 'node:http': nodeApp, fetch: fetchApp })

describe.each(ALL)('%s', (_, start) => {
  it('warns once when nobody trusts the proxy', async () => {
    const warnings: Error[] = []
    const listener = (warning: Error): unknown =>
      /trustProxy/.test(warning.message) && warnings.push(warning)
    process.on('warning', listener)
    try {
      for (const [options, trusts] of [
        [{}, false],
        [{}, true],
        [{ trustProxy: false }, false],
        [{ cookie: { secure: true } }, false],
      ] as const) {
        const server = await start(options, trusts)
        for (const headers of [{}, HTTPS, { forwarded: 'for=1;proto=https' }, HTTPS]) {
          await ask(server, '/', { headers })
        }
      }
      await new Promise(resolve => setImmediate(resolve))
      // Frameworks without a setting of their own warn in both of the first two.
      const expected = Object.values(FRAMEWORKS).includes(start) ? 1 : 2
      expect(warnings).toHaveLength(expected)
    } finally {
      process.off('warning', listener)
    }
  })

  it('asks a function which requests came from a proxy', async () => {
    type Asked = Readonly<Record<string, string | undefined>> & { get?(name: string): string }
    const trustProxy: HttpSessionOptions['trustProxy'] = ({ headers }) => {
      const asked = headers as unknown as Asked
      return (asked.get?.('via') ?? asked['via']) === 'ours'
    }
    const server = await start({ trustProxy }, false)
    expect(await isSecure(server, { ...HTTPS, via: 'ours' })).toBe(true)
    expect(await isSecure(server, { ...HTTPS, via: 'theirs' })).toBe(false)
    expect(await isSecure(server, HTTPS)).toBe(false)
  })
})

describe('what a trusted proxy says', () => {
  it.each<[Record<string, string>, boolean]>([
    [{ 'x-forwarded-proto': 'https' }, true],
    [{ 'x-forwarded-proto': ' HTTPS , http' }, true],
    [{ 'x-forwarded-proto': 'http, https' }, false],
    [{ 'x-forwarded-proto': 'wss' }, true],
    [{ 'x-forwarded-proto': 'ftp' }, false],
    [{ forwarded: 'proto=https' }, true],
    [{ forwarded: 'for=192.0.2.60;proto=https;by=203.0.113.43' }, true],
    [{ forwarded: 'For="[2001:db8:cafe::17]:4711"; Proto="https"' }, true],
    [{ forwarded: 'for="a;proto=http\\"";proto=https' }, true],
    [{ forwarded: 'for=1;proto=https, for=2;proto=http' }, true],
    [{ forwarded: 'for=1;proto=http, for=2;proto=https' }, false],
    [{ forwarded: 'for=1, for=2;proto=https' }, false],
    [{ forwarded: 'for="proto=https"' }, false],
    [{ forwarded: 'xproto=https' }, false],
    [{ 'x-forwarded-proto': 'http', forwarded: 'proto=https' }, false],
    [{ 'x-forwarded-proto': '', forwarded: 'proto=https' }, true],
    [{}, false],
  ])('%j: secure is %s', async (headers, secure) => {
    expect(await isSecure(await nodeApp({ trustProxy: true }, false), headers)).toBe(secure)
  })
})
