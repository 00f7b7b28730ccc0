import { setTimeout as wait } from 'node:timers/promises'
import { currentSession, Manager, newSessionId, SessionError, StorageMemory } from 'gsession'
import type { HttpSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAndLeave, askAs } from '../helpers/http-client.ts'
import { cookieFrom, cookieName, sessionCookie, sessionCookies } from '../helpers/http-cookies.ts'
import { isHttp2Kind, isSecureKind, type TestServer } from '../helpers/http-servers.ts'
import { countCalls, delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { type Adapter, ERROR_PAGE, type Reply, type Route } from './adapter.ts'
import { unheardContract } from './unheard-contract.ts'

type Routes = Readonly<Record<string, Route>>

interface Started {
  readonly server: TestServer
  readonly errors: unknown[]
}

const ROUTES: Routes = {
  '/nothing': () => ({ body: 'nothing' }),
  '/get': async session => ({ body: JSON.stringify(await session.data()) }),
  '/set': async (session, { query }) => {
    await session.setMap(Object.fromEntries(query))
    return { body: 'set' }
  },
  '/count': async session => ({ body: `${await session.update('n', n => Number(n ?? 0) + 1)}` }),
  '/regenerate': async session => ({ body: await session.regenerateId() }),
  '/remove': async session => {
    await session.removeAll()
    return { body: 'removed' }
  },
}

/** The ways in which an application answers. */
const WAYS: Readonly<Record<string, { method?: string; status?: number; reply: Reply }>> = {
  'a text': { reply: { body: 'text' } },
  nothing: { reply: {} },
  'a redirect': { status: 302, reply: { status: 302, headers: { location: '/get' } } },
  'no content': { status: 204, reply: { status: 204 } },
  'not modified': { status: 304, reply: { status: 304, headers: { etag: '"1"' } } },
  'an answer to HEAD': { method: 'HEAD', reply: { body: 'text' } },
  'an error status': { status: 503, reply: { status: 503, body: 'later' } },
}

async function* pieces(...texts: readonly (string | (() => Promise<unknown>))[]) {
  for (const text of texts) {
    if (typeof text === 'string') yield text
    else await text()
  }
}

/** What every HTTP adapter must do, on real sockets in a real application of its framework. */
export function adapterContract(adapter: Adapter): void {
  describe.each(adapter.kinds)(`${adapter.name} over %s`, kind => {
    const secure = isSecureKind(kind)

    async function start(
      manager = new Manager({ storage: new StorageMemory() }),
      routes: Routes = {},
      options: HttpSessionOptions = {},
    ): Promise<Started> {
      const errors: unknown[] = []
      const all = { ...ROUTES, ...routes }
      return {
        server: await adapter.serve({ kind, manager, options, routes: all, errors }),
        errors,
      }
    }

    it('leaves a request alone that does not touch its session', async () => {
      const { storage, calls } = countCalls()
      const { server } = await start(new Manager({ storage }))
      const answer = await askAs(`${cookieName(kind)}=${newSessionId()}`, server, '/nothing')
      expect([answer.status, answer.text]).toEqual([200, 'nothing'])
      expect(answer.headers).not.toHaveProperty('vary', expect.stringMatching(/cookie/i))
      expect(answer.headers).not.toHaveProperty('cache-control')
      expect(answer.setCookies).toEqual([])
      expect(calls).toEqual([])
    })

    it('makes neither a record nor a cookie for a visitor whose session is only read', async () => {
      const { storage, calls } = countCalls()
      const { server } = await start(new Manager({ storage }))
      const answer = await ask(server, '/get')
      expect([answer.status, answer.text, answer.setCookies]).toEqual([200, '{}', []])
      expect(answer.headers['vary']).toMatch(/cookie/i)
      expect(calls).toEqual([])
    })

    it('sets one cookie for a new session, kept from caches', async () => {
      const { server } = await start()
      const answer = await ask(server, '/set?user=ann')
      const cookie = sessionCookie(answer)
      const expected = { name: cookieName(kind), path: '/', httpOnly: true, sameSite: 'Lax' }
      expect(cookie).toMatchObject(secure ? { ...expected, secure: true } : expected)
      expect(cookie.value).toMatch(/^[\w-]{43}$/)
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' })
      expect(answer.headers['vary']).toMatch(/cookie/i)
    })

    it('knows the session at the next request, without another cookie', async () => {
      const { server } = await start()
      const browser = new Browser(server)
      await browser.ask('/set?user=ann')
      const answer = await browser.ask('/get')
      expect([answer.text, answer.setCookies]).toEqual(['{"user":"ann"}', []])
    })

    it.each([
      ['unknown', () => newSessionId()],
      ['malformed', () => '../../etc/passwd'],
      ['empty', () => ''],
    ])('never adopts an id that is %s', async (_, makeId) => {
      const { server } = await start()
      const id = makeId()
      const answer = await askAs(`${cookieName(kind)}=${id}`, server, '/set?user=ann')
      expect(answer.status).toBe(200)
      expect(sessionCookie(answer).value).not.toBe(id)
    })

    it.each(Object.entries(WAYS))(
      'saves before the client sees the head of %s',
      async (_, { method = 'GET', status = 200, reply }) => {
        const { storage, written } = delayWrites(25)
        const { server } = await start(new Manager({ storage }), {
          '/way': async session => {
            await session.set('user', 'ann')
            return reply
          },
        })
        let writtenAtHead = 0
        const onHead = () => {
          writtenAtHead = written()
        }
        const answer = await ask(server, '/way', { method, onHead })
        expect([answer.status, writtenAtHead]).toEqual([status, 1])
        const kept = await askAs(cookieFrom(answer), server, '/get')
        expect(kept.text).toBe('{"user":"ann"}')
      },
    )

    it('saves before the head of a stream, and what changes while it is sent', async () => {
      const { storage, written } = delayWrites(50)
      const head = makeGate()
      const { server } = await start(new Manager({ storage }), {
        '/stream': async session => {
          await session.set('user', 'ann')
          return {
            body: pieces(
              'a',
              () => head.opened.then(() => session.set('late', true)),
              'b',
              () => wait(20),
              'c',
            ),
          }
        },
      })
      let writtenAtHead = 0
      const answer = await ask(server, '/stream', {
        onHead: () => {
          writtenAtHead = written()
          head.open()
        },
      })
      expect([answer.text, writtenAtHead]).toEqual(['abc', 1])
      await eventually(async () => {
        const kept = await askAs(cookieFrom(answer), server, '/get')
        expect(kept.text).toBe('{"user":"ann","late":true}')
      })
    })

    it('a browser that follows a redirect finds the login', async () => {
      const { storage } = delayWrites(10)
      const { server } = await start(new Manager({ storage }), {
        '/login': async session => {
          await session.set('user', 'ann')
          await session.regenerateId()
          return { status: 302, headers: { location: '/get' } }
        },
      })
      const browser = new Browser(server)
      for (let time = 0; time < 5; time++) {
        const { status, headers } = await browser.ask('/login')
        expect(status).toBe(302)
        expect((await browser.ask(headers['location'])).text).toBe('{"user":"ann"}')
      }
    })

    it('changes the cookie with the id, and the old one is worth nothing', async () => {
      const { server } = await start()
      const old = cookieFrom(await ask(server, '/set?user=ann'))
      const answer = await askAs(old, server, '/regenerate')
      expect(sessionCookie(answer).value).toBe(answer.text)
      expect((await askAs(cookieFrom(answer), server, '/get')).text).toBe('{"user":"ann"}')
      expect((await askAs(old, server, '/get')).text).toBe('{}')
    })

    it('makes the client forget a removed session, by the attributes that the cookie had', async () => {
      const { server } = await start(undefined, {}, { cookie: { path: '/', sameSite: 'strict' } })
      const set = await ask(server, '/set?user=ann')
      const { expires: _, value: __, maxAge: ___, ...attributes } = sessionCookie(set)
      const removed = sessionCookie(await askAs(cookieFrom(set), server, '/remove'))
      expect(removed).toMatchObject({ ...attributes, value: '', expires: new Date(0) })
      expect((await askAs(cookieFrom(set), server, '/get')).text).toBe('{}')
    })

    it("keeps the application's own cookies and headers", async () => {
      const { server } = await start(undefined, {
        '/own': async session => {
          await session.set('user', 'ann')
          return { headers: { 'set-cookie': ['a=1', 'b=2; Path=/'], 'x-own': 'yes' }, body: 'own' }
        },
      })
      const answer = await ask(server, '/own')
      expect(answer.setCookies).toHaveLength(3)
      expect(answer.setCookies).toEqual(expect.arrayContaining(['a=1', 'b=2; Path=/']))
      expect(sessionCookies(answer)).toHaveLength(1)
      expect(answer.headers['x-own']).toBe('yes')
    })

    it('carries the id in a header, for clients that ask so', async () => {
      const { server } = await start(undefined, {}, { header: 'X-Session' })
      const set = await ask(server, '/set?user=ann', { headers: { 'x-session': '' } })
      const id = set.headers['x-session'] ?? ''
      expect(set.setCookies).toEqual([])
      const { text } = await ask(server, '/get', { headers: { 'x-session': id } })
      expect(text).toBe('{"user":"ann"}')
    })

    it('loses nothing of ten parallel requests', async () => {
      const { server } = await start()
      const cookie = cookieFrom(await ask(server, '/set?user=ann'))
      const requests = Array.from({ length: 10 }, (_, n) => [`/set?k${n}=x`, '/count']).flat()
      await Promise.all(requests.map(path => askAs(cookie, server, path)))
      const data = JSON.parse((await askAs(cookie, server, '/get')).text)
      expect(Object.keys(data)).toHaveLength(12)
      expect(data).toMatchObject({ user: 'ann', n: 10 })
    })

    it.each(['/get', '/set?a=1', '/count', '/regenerate'])(
      'hands a storage that is down to the error handling of the framework (%s)',
      async path => {
        const { storage, failWith } = failOnDemand()
        const { server, errors } = await start(new Manager({ storage }))
        const cookie = cookieFrom(await ask(server, '/set?user=ann'))
        failWith(new Error('down'))
        const answer = await askAs(cookie, server, path)
        expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
        expect(errors).toHaveLength(1)
        expect(errors[0]).toMatchObject({ code: 'ERR_STORAGE', cause: { message: 'down' } })
      },
    )

    it('hands it the removal of the session by another request meanwhile', async () => {
      const manager = new Manager({ storage: new StorageMemory() })
      const { server, errors } = await start(manager, {
        '/late': async session => {
          await session.get('user')
          await manager.new(await session.id()).removeAll()
          await session.set('late', true)
          return { body: 'a success' }
        },
      })
      const answer = await askAs(cookieFrom(await ask(server, '/set?user=ann')), server, '/late')
      expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
      expect(errors).toEqual([expect.any(SessionError)])
      expect(errors[0]).toMatchObject({ code: 'ERR_GONE' })
    })

    it('tells the new id that was stored before a save failed', async () => {
      const { storage, failWith } = failOnDemand()
      const { server } = await start(new Manager({ storage }), {
        '/login': async session => {
          await session.regenerateId()
          await session.set('user', 'ann')
          failWith(new Error('down'), 'merge')
          return { body: 'a success' }
        },
      })
      const answer = await askAs(cookieFrom(await ask(server, '/set?a=1')), server, '/login')
      expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
      expect((await askAs(cookieFrom(answer), server, '/get')).text).toBe('{"a":"1"}')
    })

    const failing: Routes = {
      '/throw': async session => {
        await session.set('user', 'ann')
        throw new Error('oops')
      },
      '/fail': async session => {
        await session.set('user', 'ann')
        return { status: 503, body: 'later' }
      },
    }

    it('stores what was changed before the handler threw, and tells the id on the error page', async () => {
      const { server, errors } = await start(undefined, failing)
      const answer = await ask(server, '/throw')
      expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
      expect(errors).toEqual([new Error('oops')])
      expect((await askAs(cookieFrom(answer), server, '/get')).text).toBe('{"user":"ann"}')
    })

    it.each(['/throw', '/fail'])(
      'stores nothing of it with saveOnError: false (%s)',
      async path => {
        const { storage, calls } = countCalls()
        const { server } = await start(new Manager({ storage }), failing, { saveOnError: false })
        const answer = await ask(server, path)
        expect(answer.status).toBeGreaterThanOrEqual(500)
        expect(sessionCookies(answer)).toEqual([])
        expect(calls).toEqual([])
      },
    )

    it('saves for a client that went away', async () => {
      const { storage, written } = delayWrites(20)
      let arrived = () => {}
      const asked = new Promise<void>(resolve => {
        arrived = resolve
      })
      const { server } = await start(new Manager({ storage }), {
        '/slow': async session => {
          await session.set('user', 'ann')
          arrived()
          await wait(100)
          return { body: 'nobody hears it' }
        },
      })
      const leave = askAndLeave(server, '/slow')
      await asked
      leave()
      await eventually(() => expect(written()).toBe(1))
    })

    it('finds the session of each request from below its handler, with asyncContext', async () => {
      const below = async (time: number) => {
        await wait(time)
        return currentSession().get('user')
      }
      const routes: Routes = {
        '/below': async (_, { method, text }) => ({
          body: `${method} ${text} ${await below(Math.random() * 20)}`,
        }),
      }
      const { server } = await start(undefined, routes, { asyncContext: true })
      const users = ['ann', 'bob', 'eve']
      const sets = users.map(user => ask(server, `/set?user=${user}`))
      const cookies = (await Promise.all(sets)).map(cookieFrom)
      const asks = users.flatMap((user, number) =>
        ['GET', 'POST'].map(async method => {
          const text = method === 'POST' ? 'hello' : ''
          const headers = method === 'POST' ? { 'content-type': 'text/plain' } : {}
          const body = method === 'POST' ? { body: text } : {}
          const ask = { method, headers, ...body }
          const answer = await askAs(cookies[number] ?? '', server, '/below', ask)
          expect(answer.text).toBe(`${method} ${text} ${user}`)
        }),
      )
      await Promise.all(asks)
      expect(() => currentSession()).toThrow(expect.objectContaining({ code: 'ERR_CONTEXT' }))
    })

    if (!secure && !isHttp2Kind(kind)) {
      it('is secure behind a proxy that says so, if it is trusted', async () => {
        const { server } = await start(undefined, {}, { trustProxy: true })
        const headers = { 'x-forwarded-proto': 'https' }
        const cookie = sessionCookie(await ask(server, '/set?user=ann', { headers }))
        expect(cookie).toMatchObject({ name: '__Host-Http-sid', secure: true })
      })
    }

    unheardContract(start)

    it('refuses options that it does not know', async () => {
      const options = { cokie: {} } as HttpSessionOptions
      await expect(start(undefined, {}, options)).rejects.toMatchObject({ code: 'ERR_OPTION' })
    })
  })
}
