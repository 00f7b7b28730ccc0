import { setTimeout as wait } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { session } from 'gsession/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { compress } from 'hono/compress'
import { setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { secureHeaders } from 'hono/secure-headers'
import { stream, streamSSE } from 'hono/streaming'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import { serveFetch } from './apps/serve-fetch.ts'
import { type App, dataOf, makeApp, newManager, start } from './hono-lab.ts'

describe('the answers of Hono', () => {
  it('tell the id by c.redirect and c.json', async () => {
    const server = await start(app =>
      app
        .get('/redirect', async c => {
          await c.var.session.set('user', 'ann')
          return c.redirect('/get')
        })
        .get('/json', async c => {
          await c.var.session.set('user', 'bob')
          return c.json({ ok: true }, 201, { 'X-Own': 'yes' })
        }),
    )
    const redirect = await ask(server, '/redirect')
    expect([redirect.status, redirect.headers['location']]).toEqual([302, '/get'])
    expect(await dataOf(server, redirect)).toEqual({ user: 'ann' })
    const json = await ask(server, '/json')
    expect([json.status, json.text]).toEqual([201, '{"ok":true}'])
    expect(json.headers).toMatchObject({ 'x-own': 'yes', 'content-type': 'application/json' })
    expect(await dataOf(server, json)).toEqual({ user: 'bob' })
  })

  it('tell the id where their headers cannot be changed', async () => {
    const origin = await serveFetch('http', async () => {
      return new Response('from afar', { headers: { 'Set-Cookie': 'far=1', 'X-Far': 'yes' } })
    })
    const server = await start(app =>
      app
        .get('/redirect', async c => {
          await c.var.session.set('user', 'ann')
          return Response.redirect('http://localhost/get', 303)
        })
        .get('/proxy', async c => {
          await c.var.session.set('user', 'bob')
          return fetch(`http://127.0.0.1:${origin.port}/`)
        }),
    )
    const redirect = await ask(server, '/redirect')
    expect([redirect.status, redirect.headers['location']]).toEqual([303, 'http://localhost/get'])
    expect(await dataOf(server, redirect)).toEqual({ user: 'ann' })
    const proxied = await ask(server, '/proxy')
    expect([proxied.status, proxied.text]).toEqual([200, 'from afar'])
    expect(proxied.headers['x-far']).toBe('yes')
    expect(proxied.setCookies).toHaveLength(2)
    expect(proxied.setCookies).toContain('far=1')
    expect(await dataOf(server, proxied)).toEqual({ user: 'bob' })
  })

  it('do not keep what one client was told for the next one', async () => {
    const constant = new Response(null, { status: 202 })
    const server = await start(app =>
      app.get('/constant', async c => {
        const user = c.req.query('user')
        if (user !== undefined) await c.var.session.set('user', user)
        return constant
      }),
    )
    const ann = await ask(server, '/constant?user=ann')
    expect(await dataOf(server, ann)).toEqual({ user: 'ann' })
    expect((await ask(server, '/constant')).setCookies).toEqual([])
    expect(await dataOf(server, await ask(server, '/constant?user=bob'))).toEqual({ user: 'bob' })
  })

  it.each(['stream', 'SSE'])('save what changes after the head (%s)', async kind => {
    const server = await start(app =>
      app
        .get('/stream', async c => {
          await c.var.session.set('user', 'ann')
          return stream(c, async body => {
            await body.write('a')
            await wait(20)
            await c.var.session.set('late', 'yes')
            await body.write('b')
          })
        })
        .get('/SSE', async c => {
          await c.var.session.set('user', 'ann')
          return streamSSE(c, async events => {
            await events.writeSSE({ data: 'a' })
            await wait(20)
            await c.var.session.set('late', 'yes')
            await events.writeSSE({ data: 'b' })
          })
        }),
    )
    const answer = await ask(server, `/${kind}`)
    expect(answer.text).toBe(kind === 'SSE' ? 'data: a\n\ndata: b\n\n' : 'ab')
    await eventually(async () =>
      expect(await dataOf(server, answer)).toEqual({ user: 'ann', late: 'yes' }),
    )
  })

  it('save what a stream changes that is the first to touch the session', async () => {
    const server = await start(app =>
      app
        .get('/login', async c => {
          await c.var.session.set('user', 'ann')
          return c.text('ok')
        })
        .get('/stream', c =>
          stream(c, async body => {
            await wait(20)
            await c.var.session.set('late', 'yes')
            await body.write('done')
          }),
        ),
    )
    const login = await ask(server, '/login')
    const answer = await askAs(cookieFrom(login), server, '/stream')
    expect([answer.text, answer.setCookies]).toEqual(['done', []])
    await eventually(async () =>
      expect(await dataOf(server, login)).toEqual({ user: 'ann', late: 'yes' }),
    )
  })

  it('are given without a server, by app.request()', async () => {
    const app = makeApp(app =>
      app.post('/login', async c => {
        await c.var.session.set('user', 'ann')
        return c.body(null, 204)
      }),
    )
    const login = await app.request('/login', { method: 'POST' })
    const [cookie = ''] = login.headers.getSetCookie()
    expect([login.status, cookie.split('=')[0]]).toEqual([204, 'sid'])
    const got = await app.request('/get', { headers: { Cookie: cookie.split(';')[0] ?? '' } })
    expect([await got.json(), got.headers.getSetCookie()]).toEqual([{ user: 'ann' }, []])
    const secure = await app.request('https://localhost/login', { method: 'POST' })
    expect(secure.headers.getSetCookie()[0]).toMatch(/^__Host-Http-sid=.*; Secure/)
  })
})

describe('beside other middlewares of Hono', () => {
  const text = 'compressed '.repeat(500)
  const login: MiddlewareHandler = async (c, next) => {
    await c.get('session').set('user', 'ann')
    await next()
  }
  const MIDDLEWARES: Record<string, { make: () => MiddlewareHandler; expected: object }> = {
    compress: { make: () => compress(), expected: { 'content-encoding': 'gzip' } },
    cors: { make: () => cors(), expected: { 'access-control-allow-origin': '*' } },
    etag: { make: () => etag(), expected: { etag: expect.stringMatching(/^"/) } },
    secureHeaders: {
      make: () => secureHeaders(),
      expected: { 'x-content-type-options': 'nosniff', 'x-frame-options': 'SAMEORIGIN' },
    },
  }
  const both = Object.entries(MIDDLEWARES).flatMap(([name, { make, expected }]) => [
    { name, where: 'before', before: [make()], after: [], expected },
    { name, where: 'after', before: [], after: [make()], expected },
  ])

  it.each(both)('both work: $name $where it', async ({ before, after, expected }) => {
    const server = await start(
      app => {
        for (const middleware of [login, ...after]) app.use(middleware)
        app.get('/long', c => c.text(text))
      },
      { before },
    )
    const headers = { 'accept-encoding': 'gzip', origin: 'http://elsewhere.test' }
    const answer = await ask(server, '/long', { headers })
    expect(answer.headers).toMatchObject(expected)
    const isZipped = answer.headers['content-encoding'] === 'gzip'
    expect(isZipped ? gunzipSync(answer.body).toString() : answer.text).toBe(text)
    expect(answer.headers['vary']).toMatch(/cookie/i)
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it.each(['before', 'after'])('answers 304 by hono/etag %s it', async where => {
    const server = await start(
      app => {
        app.use(login)
        if (where === 'after') app.use(etag())
        app.get('/long', c => c.text(text))
      },
      { before: where === 'before' ? [etag()] : [] },
    )
    const { headers } = await ask(server, '/long')
    const answer = await ask(server, '/long', {
      headers: { 'if-none-match': headers['etag'] ?? '' },
    })
    expect([answer.status, answer.text]).toEqual([304, ''])
    // Of the headers of a 304, hono/etag keeps those that it knows of; Set-Cookie is none of them.
    expect(sessionCookies(answer)).toHaveLength(where === 'after' ? 1 : 0)
  })

  it('sets its cookie beside those of hono/cookie', async () => {
    const server = await start(app =>
      app.get('/both', async c => {
        setCookie(c, 'theme', 'dark')
        await c.var.session.set('user', 'ann')
        setCookie(c, 'lang', 'en')
        return c.text('ok')
      }),
    )
    const answer = await ask(server, '/both')
    const names = answer.setCookies.map(line => line.split('=')[0])
    expect(names.sort()).toEqual(['lang', 'sid', 'theme'])
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it('is the same session in an application within, and when it is used twice', async () => {
    const manager = newManager()
    const inner: App = new Hono()
    inner.use(session(manager))
    inner.get('/login', async c => {
      await c.var.session.set('user', 'ann')
      return c.text('ok')
    })
    const server = await start(
      app => {
        app.use('/inner/*', async (c, next) => {
          const outer = c.var.session
          await outer.set('late', 'outer')
          await next()
          expect(c.var.session).toBe(outer)
        })
        app.route('/inner', inner)
      },
      { manager },
    )
    const answer = await ask(server, '/inner/login')
    expect(answer.text).toBe('ok')
    expect(await dataOf(server, answer)).toEqual({ user: 'ann', late: 'outer' })
  })
})
