import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/koa'
import type { Middleware } from 'koa'
import compress from 'koa-compress'
import { describe, expect, it } from 'vitest'
import { type Ask, ask } from '../helpers/http-client.ts'
import { sessionCookie } from '../helpers/http-cookies.ts'
import { delayWrites } from '../helpers/http-storage.ts'
import { type KoaOptions, startKoa, userOf, versions } from './koa-lab.ts'

describe.each(versions)('%s', (_, Version) => {
  const start = (handler: Middleware, options?: KoaOptions) => startKoa(Version, handler, options)

  it('saves what middlewares before it change after it', async () => {
    const late: Middleware = async (context, next) => {
      await next()
      await context.session.set('user', 'late')
    }
    const { server } = await start(
      async context => {
        context.body = 'ok'
      },
      { before: [late] },
    )
    expect(await userOf(server, await ask(server))).toBe('late')
  })

  it('holds a response that the application took over (ctx.respond = false)', async () => {
    const { storage, written } = delayWrites(50)
    const { server } = await start(
      async context => {
        context.respond = false
        context.res.statusCode = 202
        setImmediate(async () => {
          await context.session.set('user', 'ann')
          context.res.end('taken over')
        })
      },
      { manager: new Manager({ storage }) },
    )
    let writtenAtHead = 0
    const onHead = () => {
      writtenAtHead = written()
    }
    const answer = await ask(server, '/', { onHead })
    expect([answer.status, answer.text, writtenAtHead]).toEqual([202, 'taken over', 1])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it('saves what a streamed body changes, before the stream ends', async () => {
    const { server } = await start(async context => {
      await context.session.set('user', 'ann')
      const body = new PassThrough()
      context.body = body
      body.write('a')
      setImmediate(async () => {
        await context.session.set('user', 'bob')
        body.end('b')
      })
    })
    const answer = await ask(server)
    expect(answer.text).toBe('ab')
    expect(await userOf(server, answer)).toBe('bob')
  })

  it('tells the id with ctx.redirect', async () => {
    const { server } = await start(async context => {
      await context.session.set('user', 'ann')
      context.redirect('/get')
    })
    const answer = await ask(server)
    expect([answer.status, answer.headers['location']]).toEqual([302, '/get'])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it('tells the id with a 304 by ctx.fresh', async () => {
    const { server } = await start(async context => {
      await context.session.set('user', 'ann')
      context.body = 'the same as ever'
      context.etag = 'v1'
      if (context.fresh) context.status = 304
    })
    const answer = await ask(server, '/', { headers: { 'if-none-match': '"v1"' } })
    expect([answer.status, answer.text]).toEqual([304, ''])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it('sets its cookie beside those of ctx.cookies', async () => {
    const { server } = await start(async context => {
      context.cookies.set('theme', 'dark')
      await context.session.set('user', 'ann')
      context.cookies.set('lang', 'en')
      context.body = 'ok'
    })
    const answer = await ask(server)
    const names = answer.setCookies.map(line => line.split('=')[0])
    expect(names.sort()).toEqual(['lang', 'sid', 'theme'])
  })

  it('is one session when it is used twice', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const inner = session(manager)
    const { server } = await start(
      async context => {
        const outer = context.session
        await inner(context, async () => {
          expect(context.session).toBe(outer)
          await context.session.set('user', 'ann')
          context.body = 'ok'
        })
      },
      { manager },
    )
    const answer = await ask(server)
    expect(answer.status).toBe(200)
    expect(await userOf(server, answer)).toBe('ann')
  })

  const login: Middleware = async (context, next) => {
    await context.session.set('user', 'ann')
    await next()
  }

  const text = 'compressed '.repeat(500)
  const accept: Ask = { headers: { 'accept-encoding': 'gzip' } }
  const answerLong: Middleware = async context => {
    context.body = text
  }

  it.each([
    ['before', [compress({ br: false })], [login, answerLong]],
    ['after', [], [login, compress({ br: false }), answerLong]],
  ])('works with koa-compress %s it', async (_, before, after) => {
    const { server } = await start(inTurn(after), { before })
    const answer = await ask(server, '/', accept)
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(answer.body).toString()).toBe(text)
    expect(answer.headers['vary']).toMatch(/accept-encoding/i)
    expect(answer.headers['vary']).toMatch(/cookie/i)
    expect(await userOf(server, answer)).toBe('ann')
  })

  it.each([
    [{}, 'sid', undefined],
    [{ proxy: true }, '__Host-Http-sid', true],
    [{ proxy: true, trustProxy: false }, 'sid', undefined],
    [{ trustProxy: true }, '__Host-Http-sid', true],
    [{ proxy: true, trustProxy: true }, '__Host-Http-sid', true],
  ])('asks app.proxy, unless it has a trustProxy of its own: %o', async (options, name, secure) => {
    const { server } = await start(async context => {
      await context.session.set('user', 'ann')
      context.body = 'ok'
    }, options)
    const answer = await ask(server, '/', { headers: { 'x-forwarded-proto': 'https' } })
    const cookie = sessionCookie(answer)
    expect([cookie.name, cookie.secure]).toEqual([name, secure])
  })
})

/** Several middlewares as one. */
function inTurn(middlewares: readonly Middleware[]): Middleware {
  return middlewares.reduceRight(
    (inner, outer) => (context, next) => outer(context, () => inner(context, next)),
    (_context, next) => next(),
  )
}
