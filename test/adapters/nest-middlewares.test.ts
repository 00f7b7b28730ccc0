import type { IncomingMessage, ServerResponse } from 'node:http'
import middie from '@fastify/middie'
import { Controller, Get, type MiddlewareConsumer, Session as NestSession } from '@nestjs/common'
import { currentSession, Manager, type Session, StorageMemory } from 'gsession'
import { session as expressSession } from 'gsession/express'
import session from 'gsession/fastify'
import type { HttpSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { listenWith, makeFastify } from './apps/fastify.ts'
import { decorate, decorateParameters, PLATFORMS, serveNest } from './apps/nest.ts'

/** What a middleware gets on both platforms; on Fastify it is the request of Node. */
type Request = IncomingMessage & { session: Session; adminSession?: Session; originalUrl: string }
type Next = (error?: unknown) => void
type Middleware = (request: Request, response: ServerResponse, next: Next) => unknown

class Site {
  async data(session: Session): Promise<unknown> {
    return session.data()
  }
}
Controller()(Site)
decorate(Site, 'data', Get('data'))
decorateParameters(Site, 'data', NestSession())

describe.each(PLATFORMS)('a middleware of Nest on %s', platform => {
  const start = (
    middleware: Middleware,
    options: HttpSessionOptions = {},
    storage = new StorageMemory(),
  ) => {
    const app = { kind: 'http', manager: new Manager({ storage }), options } as const
    const apply = (consumer: MiddlewareConsumer) => consumer.apply(middleware).forRoutes('*path')
    return serveNest(platform, app, [Site], undefined, apply)
  }

  it('has the session of the request, the same as the handler', async () => {
    const server = await start(async (request, _response, next) => {
      await request.session.update('visits', (n: unknown) => Number(n ?? 0) + 1)
      next()
    })
    const first = await ask(server, '/data')
    expect([first.text, first.setCookies.length]).toEqual(['{"visits":1}', 1])
    const second = await askAs(cookieFrom(first), server, '/data')
    expect([second.text, second.setCookies]).toEqual(['{"visits":2}', []])
  })

  it('finds the current session, and so do the listeners that it adds', async () => {
    const seen: unknown[] = []
    const server = await start(
      async (request, response, next) => {
        response.on('finish', () => seen.push(currentSession() === request.session))
        await new Promise(resolve => setImmediate(resolve))
        await currentSession().set('from', 'middleware')
        next()
      },
      { asyncContext: true },
    )
    expect((await ask(server, '/data')).text).toBe('{"from":"middleware"}')
    await eventually(() => expect(seen).toEqual([true]))
  })

  it('answers by itself once the session is saved', async () => {
    const server = await start(async (request, response, next) => {
      if (request.originalUrl !== '/data?login') return next()
      await request.session.set('user', 'ann')
      response.end('welcome')
    })
    const answer = await ask(server, '/data?login')
    expect(answer.text).toBe('welcome')
    const { text } = await askAs(cookieFrom(answer), server, '/data')
    expect(text).toBe('{"user":"ann"}')
  })

  it.each([
    ['answers', (response: ServerResponse) => response.end('welcome')],
    ['goes on', (_: ServerResponse, next: Next) => next()],
    ['throws', () => Promise.reject(new Error('oops'))],
  ])('that %s is not told a success when its change cannot be saved', async (_, go) => {
    const { storage, failWith } = failOnDemand()
    const server = await start(
      async (request, response, next) => {
        void request.session.set('user', 'ann')
        await go(response, next)
      },
      {},
      storage,
    )
    failWith(new Error('down'))
    const { status, text } = await ask(server, '/data')
    expect([500, 503]).toContain(status)
    expect(text).not.toMatch(/welcome| at /)
  })

  it('refuses what is put in the place of the session', async () => {
    const codes: unknown[] = []
    const server = await start((request, _response, next) => {
      try {
        Object.assign(request, { session: {} })
      } catch (error) {
        codes.push((error as { code?: string }).code)
      }
      next()
    })
    await ask(server, '/data')
    expect(codes).toEqual(['ERR_VALUE'])
  })

  it('finds it under another `property` too', async () => {
    const seen: unknown[] = []
    const server = await start(
      (request, _response, next) => {
        seen.push(typeof request.adminSession?.get)
        next()
      },
      { property: 'adminSession' },
    )
    await ask(server, '/data')
    expect(seen).toEqual(['function'])
  })
})

describe.each(['before', 'after'])(
  'a middleware of @fastify/middie, registered %s the plugin',
  order => {
    const open = async (
      use: (app: { use(middleware: unknown): void }) => void,
      prefix?: string,
    ) => {
      const manager = new Manager({ storage: new StorageMemory() })
      const app = makeFastify('http')
      const define = async (inner: typeof app) => {
        if (order === 'before') await inner.register(middie)
        await inner.register(session, { manager, asyncContext: true })
        if (order === 'after') await inner.register(middie)
        use(inner as never)
        inner.get('/data', request => request.session.data())
      }
      if (prefix === undefined) await define(app)
      else {
        app.get('/outside', request => ({ session: 'session' in request.raw }))
        await app.register(define, { prefix })
      }
      return { server: await listenWith('http', app), manager }
    }
    const count: Middleware = async (request, _response, next) => {
      expect(currentSession()).toBe(request.session)
      await request.session.update('visits', (n: unknown) => Number(n ?? 0) + 1)
      next()
    }

    it('has the session of the request', async () => {
      const { server } = await open(app => app.use(count))
      const first = await ask(server, '/data')
      expect((await askAs(cookieFrom(first), server, '/data')).text).toBe('{"visits":2}')
    })

    it('has it within another plugin, and only there', async () => {
      const { server } = await open(app => app.use(count), '/inside')
      const first = await ask(server, '/inside/data')
      expect((await askAs(cookieFrom(first), server, '/inside/data')).text).toBe('{"visits":2}')
      expect((await ask(server, '/outside')).text).toBe('{"session":false}')
    })

    it('may be the adapter of Express, which is refused with another manager', async () => {
      const { server } = await open(app => app.use(expressSession(new Manager())))
      const { status, text } = await ask(server, '/data')
      expect([status, text]).toEqual([500, expect.stringContaining('property')])
    })
  },
)
