import { once } from 'node:events'
import { createServer } from 'node:http'
import middie from '@fastify/middie'
import express from 'express'
import express4 from 'express-4'
import type { Manager, Session } from 'gsession'
import { session as onExpress } from 'gsession/express'
import onFastify from 'gsession/fastify'
import { session as onFetch } from 'gsession/fetch'
import { session as onHono } from 'gsession/hono'
import { type HttpSessionOptions, session as onNode } from 'gsession/http'
import { session as onKoa } from 'gsession/koa'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import Koa from 'koa'
import Koa2 from 'koa-2'
import { type Kind, listen, listenOn, type TestServer } from '../helpers/http-servers.ts'
import { ERROR_PAGE } from './adapter.ts'
import { listenWith, makeFastify } from './apps/fastify.ts'
import { serveFetch } from './apps/serve-fetch.ts'

/** What one adapter is made of. */
export type Part = readonly [manager: Manager, options: HttpSessionOptions]

/** The sessions that a handler finds, by the names of their adapters. */
export type Found = Readonly<Record<string, Session>>

export interface Application {
  /** The adapters that each request comes to, in this order. */
  readonly parts: readonly [outer: Part, inner: Part]
  /** Answers a request, behind both. */
  readonly handler: (found: Found, path: string) => Promise<string>
  /** What reached the error handling. */
  readonly errors: unknown[]
}

type Serve = (application: Application) => Promise<TestServer>

const nameOf = ([, { property = 'session' }]: Part): string => property

/** The sessions at what stands for the request, in one framework or in two. */
function foundAt(app: Application, ...holders: object[]): Found {
  const entries = app.parts.map(nameOf).map(name => {
    const holder = holders.find(each => Reflect.get(each, name) !== undefined)
    return [name, holder && Reflect.get(holder, name)] as const
  })
  return Object.fromEntries(entries) as Found
}

function expressApp(
  create: typeof express,
  app: Application,
  parts = app.parts.slice(),
  others: object[] = [],
) {
  const application = create()
  application.set('env', 'test')
  for (const [manager, options] of parts) application.use(onExpress(manager, options))
  application.use((request, response, next) => {
    app
      .handler(foundAt(app, request, ...others), request.path)
      .then(text => response.send(text), next)
  })
  application.use(catchErrors(app))
  return application
}

const catchErrors =
  ({ errors }: Application): express.ErrorRequestHandler =>
  (error, _request, response, _next) => {
    errors.push(error)
    response.status(500).send(ERROR_PAGE)
  }

function koaApp(Version: typeof Koa, app: Application, parts = app.parts.slice()): Koa {
  const application = new Version()
  application.on('error', error => app.errors.push(error))
  for (const [manager, options] of parts) application.use(onKoa(manager, options))
  application.use(async context => {
    context.body = await app.handler(foundAt(app, context, context.req), context.path)
  })
  return application
}

const serveNode =
  (kind: Kind): Serve =>
  app => {
    const onError = (
      error: unknown,
      _request: unknown,
      response: { end(text: string): unknown },
    ) => {
      app.errors.push(error)
      Object.assign(response, { statusCode: 500 })
      response.end(ERROR_PAGE)
    }
    const [outer, inner] = app.parts.map(([manager, options]) =>
      onNode(manager, { ...options, onError } as object),
    )
    const listener = inner?.(async (request, response) => {
      response.end(await app.handler(foundAt(app, request), request.url ?? ''))
    })
    return listen(kind, outer?.(listener as never) as never)
  }

/** Where both adapters are of one framework. */
export const TOGETHER: Readonly<Record<string, Serve>> = {
  'node:http': serveNode('http'),
  'node:http2': serveNode('h2c'),
  'Express 5': app => listenOn('http', createServer(expressApp(express, app))),
  'Express 4': app => listenOn('http', createServer(expressApp(express4, app))),
  'an application mounted in Express': app => {
    const [outer, inner] = app.parts
    const application = express()
    application.use(onExpress(...outer))
    application.use('/', expressApp(express, app, [inner]))
    application.use(catchErrors(app))
    return listenOn('http', createServer(application))
  },
  'Koa 3': app => listenOn('http', createServer(koaApp(Koa, app).callback())),
  'Koa 2': app => listenOn('http', createServer(koaApp(Koa2, app).callback())),
  Hono: app => serveHono(app, (hono, inner) => hono.use(onHono(...inner))),
  'an application routed in Hono': app =>
    serveHono(app, (hono, inner) => {
      const routed = new Hono()
      routed.use(onHono(...inner))
      hono.route('/', routed)
    }),
  'Hono, behind what gives it another request': app =>
    serveHono(app, (hono, inner) => {
      hono.use(bodyLimit({ maxSize: 1e6 }), onHono(...inner))
    }),
  Fastify: async app => {
    const application = fastifyApp(app)
    for (const [manager, options] of app.parts) {
      await application.register(onFastify, { manager, ...options })
    }
    application.get('/*', request => app.handler(foundAt(app, request), request.url))
    return listenWith('http', application)
  },
  'a plugin of Fastify': async app => {
    const [[manager, options], inner] = app.parts
    const application = fastifyApp(app)
    await application.register(onFastify, { manager, ...options })
    await application.register(async plugin => {
      await plugin.register(onFastify, { manager: inner[0], ...inner[1] })
      plugin.get('/*', request => app.handler(foundAt(app, request), request.url))
    })
    return listenWith('http', application)
  },
  fetch: app =>
    serveFetch(
      'http',
      catching(app, (outer, inner) =>
        outer((request, first) => inner(answering(app, first))(request)),
      ),
    ),
  'fetch, after a wait': app =>
    serveFetch(
      'http',
      catching(app, (outer, inner) =>
        outer(async (request, first) => {
          await new Promise(resolve => setImmediate(resolve))
          return inner(answering(app, first))(request)
        }),
      ),
    ),
}

/** Where one framework is inside of another. */
export const ACROSS: Readonly<Record<string, Serve>> = {
  'Koa under Express': app => {
    const [outer, inner] = app.parts
    const application = express()
    application.use(onExpress(...outer))
    application.use(koaApp(Koa, app, [inner]).callback())
    application.use(catchErrors(app))
    return listenOn('http', createServer(application))
  },
  'Express under Koa': app => {
    const [outer, inner] = app.parts
    const application = new Koa().use(onKoa(...outer))
    application.use(async context => {
      context.respond = false
      context.res.statusCode = 200
      expressApp(express, app, [inner], [context])(context.req, context.res)
      await once(context.res, 'close')
    })
    return listenOn('http', createServer(application.callback()))
  },
  'Koa under node:http': app => {
    const [[manager, options], inner] = app.parts
    const application = koaApp(Koa, app, [inner])
    return listen('http', onNode(manager, options)(application.callback()))
  },
  'Express under node:http': app => {
    const [[manager, options], inner] = app.parts
    return listen('http', onNode(manager, options)(expressApp(express, app, [inner])))
  },
  'Fastify, behind a middleware of Express': async app => {
    const [outer, [manager, options]] = app.parts
    const application = fastifyApp(app)
    await application.register(middie)
    application.use(onExpress(...outer))
    await application.register(onFastify, { manager, ...options })
    application.get('/*', request => app.handler(foundAt(app, request, request.raw), request.url))
    return listenWith('http', application)
  },
  'a middleware of Express, behind Fastify': async app => {
    const [[manager, options], inner] = app.parts
    const application = fastifyApp(app)
    await application.register(onFastify, { manager, ...options })
    await application.register(middie)
    application.use(onExpress(...inner))
    application.get('/*', request => app.handler(foundAt(app, request, request.raw), request.url))
    return listenWith('http', application)
  },
}

function fastifyApp(app: Application) {
  const application = makeFastify('http')
  application.setErrorHandler((error, _request, reply) => {
    app.errors.push(error)
    return reply.code(500).send(ERROR_PAGE)
  })
  return application
}

function serveHono(app: Application, build: (hono: Hono, inner: Part) => unknown) {
  const [outer, inner] = app.parts
  const hono = new Hono()
  hono.onError((error, c) => {
    app.errors.push(error)
    return c.text(ERROR_PAGE, 500)
  })
  hono.use(onHono(...outer))
  build(hono, inner)
  hono.get('/*', async c => {
    const entries = app.parts.map(nameOf).map(name => [name, c.get(name as never)] as const)
    const found = Object.fromEntries(entries) as Found
    return c.text(await app.handler(found, c.req.path))
  })
  return serveFetch('http', hono.fetch)
}

type OnFetch = ReturnType<typeof onFetch<Record<string, unknown>>>
type Fetch = (request: Request) => Response | Promise<Response>

function catching(app: Application, build: (outer: OnFetch, inner: OnFetch) => Fetch): Fetch {
  const [outer, inner] = app.parts
  const fetch = build(onFetch(...outer), onFetch(...inner))
  return async request => {
    try {
      return await fetch(request)
    } catch (error) {
      app.errors.push(error)
      return new Response(ERROR_PAGE, { status: 500 })
    }
  }
}

const answering =
  (app: Application, first: Session) =>
  async (request: Request, second: Session): Promise<Response> => {
    const [outer, inner] = app.parts.map(nameOf)
    const found = { [outer ?? '']: first, [inner ?? '']: second }
    return new Response(await app.handler(found, new URL(request.url).pathname))
  }
