import { createServer as createHttp } from 'node:http'
import { Writable } from 'node:stream'
import { Controller, Get, Session as NestSession, type Type } from '@nestjs/common'
import express from 'express'
import express4 from 'express-4'
import fastify from 'fastify'
import { Manager, type Session, StorageMemory } from 'gsession'
import { session as expressSession } from 'gsession/express'
import fastifySession from 'gsession/fastify'
import { session as fetchSession } from 'gsession/fetch'
import { session as honoSession } from 'gsession/hono'
import { session as koaSession } from 'gsession/koa'
import { H3, type H3Event, toNodeHandler, toResponse } from 'h3/node'
import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { listen, listenOn, serve as serveNode, type TestServer } from '../helpers/http-servers.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { listenWith } from './apps/fastify.ts'
import { KOA_VERSIONS, serverOf } from './apps/koa.ts'
import { decorate, decorateParameters, PLATFORMS, serveNest } from './apps/nest.ts'
import { serveFetch } from './apps/serve-fetch.ts'

type Route = (session: Session) => Promise<string>
type Routes = Readonly<Record<string, Route>>

/** Everything that is printed while a test runs. */
let printed: string[] = []
const log = new Writable({
  write(chunk, _encoding, done) {
    printed.push(String(chunk))
    done()
  },
})
const print = (...values: unknown[]): boolean => printed.push(values.map(String).join(' ')) > 0

beforeEach(() => {
  printed = []
  vi.spyOn(console, 'error').mockImplementation(print)
  vi.spyOn(process.stderr, 'write').mockImplementation(print)
  vi.spyOn(process.stdout, 'write').mockImplementation(print)
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** Servers without an error handling of their own, as they are in development. */
const SERVERS: Record<string, (manager: Manager, routes: Routes) => Promise<TestServer>> = {
  'node:http': (manager, routes) =>
    serveNode('http', manager, async (request, response) => {
      response.end(await routes[request.url ?? '']?.(request.session))
    }),
  h3(manager, routes) {
    const app = new H3({ debug: true })
    const withSession = fetchSession(manager)
    app.use((event, next) =>
      withSession(async (_, session) => {
        event.context['own'] = session
        return toResponse(await next(), event)
      })(event.req as Request),
    )
    for (const [path, route] of Object.entries(routes)) {
      app.get(path, (event: H3Event) => route(event.context['own'] as Session))
    }
    return listen('http', toNodeHandler(app) as never)
  },
  async Fastify(manager, routes) {
    const app = fastify({ logger: { stream: log }, forceCloseConnections: true })
    await app.register(fastifySession, { manager })
    for (const [path, route] of Object.entries(routes)) {
      app.get(path, request => route(request.session))
    }
    return listenWith('http', app as never)
  },
  Hono(manager, routes) {
    const app = new Hono<{ Variables: { session: Session } }>()
    app.use(honoSession(manager))
    for (const [path, route] of Object.entries(routes)) {
      app.get(path, async c => c.text(await route(c.get('session'))))
    }
    return serveFetch('http', app.fetch as never)
  },
}
for (const [name, create] of Object.entries({ 'Express 5': express, 'Express 4': express4 })) {
  SERVERS[name] = (manager, routes) => {
    const app = create()
    app.set('env', 'development')
    app.use(expressSession(manager))
    for (const [path, route] of Object.entries(routes)) {
      app.get(path, (request, response, next) => {
        route(request.session).then(text => response.send(text), next)
      })
    }
    return listenOn('http', createHttp(app))
  }
}
for (const [name, Koa] of Object.entries(KOA_VERSIONS)) {
  SERVERS[name] = (manager, routes) => {
    const app = new Koa({ env: 'development' })
    app.use(koaSession(manager))
    app.use(async context => {
      context.body = await routes[context.path]?.(context.session)
    })
    return listenOn('http', serverOf('http', app))
  }
}
for (const platform of PLATFORMS) {
  SERVERS[`Nest on ${platform}`] = (manager, routes) => {
    class Site {}
    for (const [path, route] of Object.entries(routes)) {
      Object.defineProperty(Site.prototype, path, { value: route })
      decorate(Site as Type, path, Get(path))
      decorateParameters(Site as Type, path, NestSession())
    }
    Controller()(Site)
    const app = { kind: 'http', manager, options: {} } as const
    return serveNest(platform, app, [Site], nest => nest.useLogger(['error', 'warn', 'fatal']))
  }
}

/** Their logs have the storage's own error too, whose stack says where it failed. */
const PRINT_CAUSES = ['node:http', 'Fastify']
const STACK = /^\s+at |&nbsp; ?at |<br>\s*at |\\n\s+at |node_modules|\.ts:\d/m

describe.each(Object.entries(SERVERS))('without an error handler, %s answers', (name, serve) => {
  const start = async () => {
    const { storage, failWith } = failOnDemand(new StorageMemory())
    const manager = new Manager({ storage })
    const endElsewhere = async (session: Session) => manager.new(await session.id()).removeAll()
    const server = await serve(manager, {
      '/login': async session => {
        await session.set('user', 'ann')
        return 'welcome'
      },
      '/read': session => session.get('user', 'nobody') as Promise<string>,
      '/update': async session => String(await session.update('n', () => 1)),
      '/save': async session => {
        await session.set('n', 1)
        return 'saved'
      },
      '/unawaited': async session => {
        void session.update('n', () => 1)
        return 'saved'
      },
      '/gone': async session => {
        await session.get('user')
        await endElsewhere(session)
        return String(await session.update('n', () => 1))
      },
      '/gone-at-save': async session => {
        await session.get('user')
        await endElsewhere(session)
        await session.set('n', 1)
        return 'saved'
      },
    })
    const cookie = cookieFrom(await ask(server, '/login'))
    return { server, failWith, cookie }
  }

  it.each(['/read', '/update', '/save', '/unawaited'])(
    '503 when the storage is down at %s',
    async path => {
      const { server, failWith, cookie } = await start()
      failWith(new Error('down'))
      const { status, text } = await askAs(cookie, server, path)
      expect([status, text]).toEqual([503, expect.not.stringMatching(STACK)])
      expect(text).not.toMatch(/saved/)
      if (!PRINT_CAUSES.includes(name)) expect(printed.join('\n')).not.toMatch(STACK)
    },
  )

  it.each(['/gone', '/gone-at-save'])(
    '409 when the session has ended meanwhile at %s',
    async path => {
      const { server, cookie } = await start()
      const { status, text } = await askAs(cookie, server, path)
      expect([status, text]).toEqual([409, expect.not.stringMatching(STACK)])
      expect(text).not.toMatch(/saved/)
      expect(printed.join('\n')).not.toMatch(STACK)
    },
  )
})
