import { setTimeout as wait } from 'node:timers/promises'
import type { Session } from 'gsession'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { stream } from 'hono/streaming'
import { expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'
import { type App, dataOf, newManager, start } from './hono-lab.ts'

it('tells the id on the page of app.onError, which sees the session too', async () => {
  const server = await start(app => {
    app.onError(async (error, c) => {
      await c.var.session.set('late', error.message)
      return c.text('our page', 503)
    })
    app.get('/throw', async c => {
      await c.var.session.set('user', 'ann')
      throw new Error('oops')
    })
  })
  const answer = await ask(server, '/throw')
  expect([answer.status, answer.text]).toEqual([503, 'our page'])
  expect(await dataOf(server, answer)).toEqual({ user: 'ann', late: 'oops' })
})

it.each([
  ['of its own', new HTTPException(401, { message: 'who are you?' }), 'who are you?'],
  ['that it was given', new HTTPException(401, { res: new Response('go away') }), 'go away'],
])('tells the id with the answer of an HTTPException (%s)', async (_, exception, text) => {
  const server = await start(app =>
    app.get('/throw', async c => {
      await c.var.session.set('user', 'ann')
      throw exception
    }),
  )
  const answer = await ask(server, '/throw')
  expect(answer.text).toBe(text)
  expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
})

it('tells the id where an application within answers its errors itself', async () => {
  const inner: App = new Hono()
  inner.onError((_, c) => c.text('the page within', 500))
  inner.get('/throw', async c => {
    await c.var.session.set('user', 'ann')
    throw new Error('oops')
  })
  const server = await start(app => app.route('/inner', inner))
  const answer = await ask(server, '/inner/throw')
  expect([answer.status, answer.text]).toEqual([500, 'the page within'])
  expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
})

it('saves what was set before something was thrown that is no error', async () => {
  const { storage, calls } = countCalls()
  const server = await start(
    app =>
      app.get('/throw', async c => {
        await c.var.session.set('user', 'ann')
        // biome-ignore lint/style/useThrowOnlyError: applications do it, and Hono hands it on
        throw 'a text'
      }),
    { manager: newManager({ storage }) },
  )
  const { status } = await ask(server, '/throw')
  expect([status, calls]).toEqual([500, ['create']])
})

it('answers a failed save without the answer of the handler, and with the headers of others', async () => {
  const { storage, failWith } = failOnDemand()
  const server = await start(
    app => {
      app.onError((error, c) => c.text(`the error page: ${error.name}`, 500))
      app.use(compress())
      app.get('/login', async c => {
        await c.var.session.set('user', 'ann')
        failWith(new Error('down'))
        return c.text('a success '.repeat(500), 200, { ETag: '"1"', 'Content-Length': '5000' })
      })
    },
    { manager: newManager({ storage }), before: [cors()] },
  )
  const answer = await ask(server, '/login', { headers: { 'accept-encoding': 'gzip' } })
  expect([answer.status, answer.text]).toEqual([500, 'the error page: SessionError'])
  expect(answer.headers).not.toHaveProperty('content-encoding')
  expect(answer.headers).not.toHaveProperty('etag')
  expect(answer.headers).toMatchObject({ 'access-control-allow-origin': '*' })
  expect(sessionCookies(answer)).toEqual([])
})

it('tells onBackgroundError of a save that fails after the head', async () => {
  const { storage, failWith } = failOnDemand()
  const failures: Error[] = []
  const manager = newManager({ storage, onBackgroundError: error => failures.push(error) })
  const server = await start(
    app =>
      app.get('/stream', async c => {
        await c.var.session.set('user', 'ann')
        return stream(c, async body => {
          await wait(20)
          failWith(new Error('down'))
          await c.var.session.set('late', 'yes')
          await body.write('sent')
        })
      }),
    { manager },
  )
  expect((await ask(server, '/stream')).text).toBe('sent')
  await eventually(() =>
    expect(failures).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })]),
  )
})

it('tells onBackgroundError of a session that begins after the head, which nobody could use', async () => {
  const failures: Error[] = []
  const { storage, calls } = countCalls()
  const manager = newManager({ storage, onBackgroundError: error => failures.push(error) })
  const server = await start(
    app => {
      app.get('/login', async c => {
        await c.var.session.set('user', 'ann')
        return c.text('ok')
      })
      app.get('/stream', c =>
        stream(c, async body => {
          await wait(20)
          await c.var.session.set('late', 'yes')
          await body.write('sent')
        }),
      )
    },
    { manager },
  )
  expect((await ask(server, '/stream')).text).toBe('sent')
  await eventually(() =>
    expect(failures).toEqual([expect.objectContaining({ code: 'ERR_HEADERS_SENT' })]),
  )
  expect(calls).toEqual([])
  const login = await ask(server, '/login')
  expect((await askAs(cookieFrom(login), server, '/stream')).text).toBe('sent')
  await eventually(async () =>
    expect(await dataOf(server, login)).toEqual({ user: 'ann', late: 'yes' }),
  )
  expect(failures).toHaveLength(1)
})

it('leaves it to Hono to complain of a handler that answers nothing, and saves what it set', async () => {
  const { storage, calls } = countCalls()
  const server = await start(
    app =>
      app.get('/nothing', (async (c: { var: { session: Session<{ user: string }> } }) => {
        await c.var.session.set('user', 'ann')
      }) as never),
    { manager: newManager({ storage }) },
  )
  expect((await ask(server, '/nothing')).status).toBe(500)
  expect(calls).toEqual(['create'])
})
