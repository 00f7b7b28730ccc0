import { createServer } from 'node:http'
import express from 'express'
import express4 from 'express-4'
import { Manager, type Session, StorageMemory } from 'gsession'
import { session as onExpress } from 'gsession/express'
import { session as onHono } from 'gsession/hono'
import { session as onNode } from 'gsession/http'
import { session as onKoa } from 'gsession/koa'
import { Hono } from 'hono'
import Koa from 'koa'
import Koa2 from 'koa-2'
import { describe, expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { listen, listenOn, type TestServer } from '../helpers/http-servers.ts'
import { serveFastify } from './apps/fastify.ts'
import { serveFetch } from './apps/serve-fetch.ts'

/** What a handler does to what has the session, at any path but `/data`. */
type Handler = (holder: object, session: Session) => unknown

const PROPERTY = { property: 'visit' } as const
const manager = (): Manager => new Manager({ storage: new StorageMemory() })

/** Applications that answer what the handler comes to, and at `/data` what is stored. */
const APPS: Readonly<Record<string, (handler: Handler) => Promise<TestServer>>> = {
  'node:http': handler =>
    listen(
      'http',
      onNode(manager())(async (request, response) => {
        response.end(await answer(request.url, request, request.session, handler))
      }),
    ),
  'node:http2': handler =>
    listen(
      'h2c',
      onNode(manager())(async (request, response) => {
        response.end(await answer(request.url, request, request.session, handler))
      }),
    ),
  ...Object.fromEntries(
    Object.entries({ 'Express 5': express, 'Express 4': express4 }).map(([name, create]) => [
      name,
      (handler: Handler) => {
        const app = create().use(onExpress(manager()))
        app.use((request, response, next) => {
          const answered = answer(request.path, request, request.session, handler)
          answered.then(text => response.send(text), next)
        })
        return listenOn('http', createServer(app))
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries({ 'Koa 3': Koa, 'Koa 2': Koa2 }).map(([name, Version]) => [
      name,
      (handler: Handler) => {
        const app = new Version().use(onKoa(manager()))
        app.silent = true
        app.use(async context => {
          context.body = await answer(context.path, context, context.session, handler)
        })
        return listenOn('http', createServer(app.callback()))
      },
    ]),
  ),
  Fastify: handler =>
    serveFastify(app =>
      app.get('/*', request => answer(request.url, request, request.session, handler)),
    ),
}

async function answer(
  path: string | undefined,
  holder: object,
  session: Session,
  handler: Handler,
): Promise<string> {
  if (path !== '/data') return String(await handler(holder, session))
  return JSON.stringify(await session.data())
}

/** What was thrown, as a text: assigned by sloppy code, as CommonJS is, and by strict code. */
const SLOPPY = new Function('holder', 'value', 'holder.session = value')
const STRICT = new Function('holder', 'value', '"use strict"; holder.session = value')

function refusalOf(assign: () => unknown): string {
  try {
    assign()
  } catch (error) {
    return `${(error as { code?: string }).code} ${(error as Error).message}`
  }
  return 'nothing was thrown'
}

const VALUES: readonly unknown[] = [null, undefined, {}, { user: 'ann' }, 'x', 0, false]

describe.each(Object.entries(APPS))('what is assigned to the session: %s', (_, serve) => {
  it.each([
    ['sloppy', SLOPPY],
    ['strict', STRICT],
  ])('is refused in %s code, and the session stays', async (_, assign) => {
    const server = await serve(async (holder, session) => {
      await session.set('user', 'ann')
      const refusals = VALUES.map(value => refusalOf(() => assign(holder, value)))
      // What copies properties may write back what it has read.
      refusals.push(refusalOf(() => assign(holder, session)))
      return JSON.stringify([...refusals, Reflect.get(holder, 'session') === session])
    })
    const first = await ask(server, '/assign')
    const [isSame, written, ...refusals] = JSON.parse(first.text).reverse()
    expect([isSame, written]).toEqual([true, 'nothing was thrown'])
    expect(refusals).toHaveLength(VALUES.length)
    for (const refusal of refusals) {
      expect(refusal).toMatch(/^ERR_VALUE `session` cannot be assigned: .*removeAll\(\).*set\(key/)
    }
    expect((await askAs(cookieFrom(first), server, '/data')).text).toBe('{"user":"ann"}')
  })

  it('is a failed request when nobody catches it', async () => {
    const server = await serve(holder => SLOPPY(holder, null))
    expect((await ask(server, '/assign')).status).toBe(500)
  })
})

it('is refused by the set of Hono, for the name of the session alone', async () => {
  const app = new Hono().use(onHono(manager(), PROPERTY))
  const refusals: string[] = []
  app.get('/', c => {
    const { get, set } = c as unknown as Pick<Map<string, unknown>, 'get' | 'set'>
    for (const value of VALUES) refusals.push(refusalOf(() => set('visit', value)))
    set('visit', c.var.visit)
    set('session', 'not ours')
    return c.text(`${c.var.visit.isDirty} ${get('session')}`)
  })
  expect((await ask(await serveFetch('http', app.fetch))).text).toBe('false not ours')
  expect(refusals).toHaveLength(VALUES.length)
  for (const refusal of refusals) expect(refusal).toMatch(/^ERR_VALUE `visit` .+visit\.removeAll/)
})

describe('a property that is taken', () => {
  it('is refused on the first request, by Express', async () => {
    const app = express().set('env', 'test')
    app.use((request, _response, next) => {
      Object.assign(request, { session: { cookie: {} } })
      next()
    })
    app.use(onExpress(manager()))
    const { status, text } = await ask(await listenOn('http', createServer(app)))
    expect(status).toBe(500)
    expect(text).toContain('`property`')
  })

  it.each(['url', 'headers', 'socket'])(
    'is refused for %s of a request of node',
    async property => {
      const errors: unknown[] = []
      const listener = onNode(manager(), {
        property,
        onError: (error, _request, response) => {
          errors.push(error)
          response.end()
        },
      })(() => undefined)
      await ask(await listen('http', listener as never))
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_OPTION' })])
    },
  )

  it.each(['', 'constructor', '__proto__', 7, null])('is refused at construction: %j', property => {
    expect(() => onNode(manager(), { property } as object)).toThrow(/^Expected `property` to be /)
  })
})
