import { Manager, newSessionId, StorageMemory } from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookie } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { countCalls, delayWrites, failOnDemand } from '../helpers/http-storage.ts'

/**
 * The rows on HTTP of the forty black-box behaviours of GoFrame's sessions. Some are kept; where it
 * has a defect, the name says what is done instead. The cookie's name is ours: `sid`.
 */

/** `/set?key=value` sets, `/del` logs out; every request answers the data. */
const handler: Handler = async ({ url = '/', session }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname === '/set') await session.setMap(Object.fromEntries(searchParams))
  if (pathname === '/del') await session.removeAll()
  response.end(JSON.stringify(await session.data()))
}

function start(options: NodeSessionOptions = {}, storage = new StorageMemory(), own = handler) {
  const manager = new Manager({ storage, ttl: '24h', idAtRest: 'plain' })
  return serve('http', manager, own, options)
}

it('row 1: a visitor without an id whose session is only read gets no id, no record and no cookie', async () => {
  const { storage, calls } = countCalls()
  const server = await start({}, storage, async ({ session }, response) => {
    const got = [await session.get('user'), await session.data(), await session.size()]
    const contains = await session.contains('user')
    await session.remove('user')
    await session.removeAll()
    response.end(JSON.stringify([...got, contains]))
  })
  const answer = await ask(server)

  expect(answer.text).toBe('[null,{},0,false]')
  expect(answer.setCookies).toEqual([])
  expect(calls).toEqual([])
})

it('row 2: the first Set gives one cookie with Path and Expires, here with Max-Age too, and a record', async () => {
  const storage = new StorageMemory()
  const server = await start({}, storage)
  const before = Date.now()
  const answer = await ask(server, '/set?user=ann')
  const { name, value, path, expires, maxAge } = sessionCookie(answer)

  expect(answer.setCookies).toHaveLength(1)
  expect([name, path, maxAge]).toEqual(['sid', '/', 86_400])
  expect(Math.abs((expires?.getTime() ?? 0) - before - 86_400_000)).toBeLessThan(3000)
  expect(await storage.getSession(value, 1)).toMatchObject({ user: 'ann' })
})

it('row 3: a later Set rewrites the record, starts its ttl anew, and sets no cookie', async () => {
  let now = Date.now()
  const storage = new StorageMemory({ clock: () => now })
  const server = await start({}, storage)
  const first = await ask(server, '/set?user=ann')
  const { value } = sessionCookie(first)
  const { expiresAt = 0 } = storage.load(value) ?? {}
  now += 3_600_000
  const answer = await askAs(cookieFrom(first), server, '/set?user=bob')

  expect(answer.setCookies).toEqual([])
  expect(await storage.getSession(value, 86_400_000)).toMatchObject({ user: 'bob' })
  expect(storage.load(value)?.expiresAt).toBe(expiresAt + 3_600_000)
})

it('row 4: reading sets no cookie and extends the ttl', async () => {
  let now = Date.now()
  const storage = new StorageMemory({ clock: () => now })
  const options = { storage, clock: () => now, idAtRest: 'plain', refreshInterval: 1 } as const
  const server = await serve('http', new Manager(options), handler)
  const first = await ask(server, '/set?user=ann')
  const { value } = sessionCookie(first)
  const { expiresAt = 0 } = storage.load(value) ?? {}
  now += 3_600_000
  const answer = await askAs(cookieFrom(first), server, '/get')

  expect(answer.text).toBe('{"user":"ann"}')
  expect(answer.setCookies).toEqual([])
  // Refreshes are written in batches, some time after the response.
  await eventually(() => expect(storage.load(value)?.expiresAt).toBe(expiresAt + 3_600_000))
})

/** A server with the sessions A and B, and how each is named. */
async function startWithTwo() {
  const server = await start({ header: 'sid' })
  const a = sessionCookie(await ask(server, '/set?who=a')).value
  const b = sessionCookie(await ask(server, '/set?who=b')).value
  return { server, a, b }
}

it('row 5: of cookie A and header B, A is used', async () => {
  const { server, a, b } = await startWithTwo()
  const answer = await askAs(`sid=${a}`, server, '/get', { headers: { sid: b } })

  expect(answer.text).toBe('{"who":"a"}')
})

it('row 6: with an empty cookie the header is used', async () => {
  const { server, b } = await startWithTwo()
  const answer = await askAs('sid=', server, '/get', { headers: { sid: b } })

  expect(answer.text).toBe('{"who":"b"}')
})

it('row 7: the header alone is enough, in any letter case, and is answered without a cookie', async () => {
  const { server, b } = await startWithTwo()
  for (const name of ['sid', 'SID', 'Sid']) {
    const answer = await ask(server, '/set?more=yes', { headers: { [name]: b } })

    expect(answer.text).toBe('{"who":"b","more":"yes"}')
    expect(answer.setCookies).toEqual([])
  }
})

it('row 8: of two cookies of that name the last is used', async () => {
  const { server, a, b } = await startWithTwo()

  expect((await askAs(`sid=${a}; sid=${b}`, server, '/get')).text).toBe('{"who":"b"}')
  expect((await askAs(`sid=${b}; sid=${a}`, server, '/get')).text).toBe('{"who":"a"}')
})

it('row 28: what was set before the handler threw is saved and the cookie sent, unless an option says no', async () => {
  const failing: Handler = async (request, response) => {
    if (request.url !== '/get') {
      await request.session.set('user', 'ann')
      throw new Error('boom')
    }
    await handler(request, response)
  }
  const stderr = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const storage = new StorageMemory()
  const browser = new Browser(await start({}, storage, failing))
  const strict = new StorageMemory()
  const careful = new Browser(await start({ saveOnError: false }, strict, failing))

  expect((await browser.ask('/')).status).toBe(500)
  expect((await browser.ask('/get')).text).toBe('{"user":"ann"}')
  const answer = await careful.ask('/')
  expect([answer.status, answer.setCookies, strict.size]).toEqual([500, [], 0])
  stderr.mockRestore()
})

it('row 29: without cookie output a new session is saved and no cookie set', async () => {
  const storage = new StorageMemory()
  const answer = await ask(await start({ cookie: false, header: 'sid' }, storage), '/set?user=ann')

  expect(answer.setCookies).toEqual([])
  expect(storage.size).toBe(1)
})

it('row 30: a cookie max age of 0 gives a cookie without Expires', async () => {
  const answer = await ask(await start({ cookie: { maxAge: 0 } }), '/set?user=ann')

  expect(sessionCookie(answer)).not.toHaveProperty('expires')
  expect(sessionCookie(answer)).not.toHaveProperty('maxAge')
})

it('row 31: an id that the storage does not know is not adopted: instead a fresh one is issued', async () => {
  const storage = new StorageMemory()
  const unknown = newSessionId()
  const answer = await askAs(`sid=${unknown}`, await start({}, storage), '/set?user=ann')

  expect(sessionCookie(answer).value).not.toBe(unknown)
  expect(storage.load(unknown)).toBeUndefined()
  expect(storage.size).toBe(1)
})

it.each(['../../x', 'a/b', 'user:1', 'a\\b', '..', '*'])(
  'row 32: an id such as %j reaches no storage: instead it counts as none',
  async bogus => {
    const { storage, calls } = countCalls()
    const server = await start({}, storage)
    const cookie = `sid=${bogus}`

    expect((await askAs(cookie, server, '/get')).text).toBe('{}')
    expect((await askAs(cookie, server, '/del')).text).toBe('{}')
    expect(calls).toEqual([])
    expect(sessionCookie(await askAs(cookie, server, '/set?a=1')).value).toMatch(/^[\w-]{43}$/)
  },
)

it('row 36: a browser that follows a redirect at once finds the login, which was saved first', async () => {
  const { storage } = delayWrites(50)
  const server = await start({}, storage, async (request, response) => {
    if (request.url !== '/home') {
      await request.session.set('user', 'ann')
      response.writeHead(302, { Location: '/home' })
    }
    await handler(request, response)
  })
  const browser = new Browser(server)
  const { status, headers } = await browser.ask('/login')

  expect(status).toBe(302)
  expect((await browser.ask(headers['location'])).text).toBe('{"user":"ann"}')
})

it('row 37: the changes of a request whose client went away are saved', async () => {
  const { storage, written } = delayWrites(50)
  const server = await start({}, storage, async ({ session, socket }, response) => {
    await session.set('user', 'ann')
    socket.destroy()
    response.end('nobody hears this')
  })

  await expect(ask(server)).rejects.toThrow()
  await eventually(() => expect([written(), storage.size]).toEqual([1, 1]))
})

it('row 38: a value that cannot be stored is refused at Set, and everything else is saved', async () => {
  const cycle: Record<string, unknown> = {}
  cycle['itself'] = cycle
  const codes: unknown[] = []
  const storage = new StorageMemory()
  const server = await start({}, storage, async ({ session }, response) => {
    await session.set('user', 'ann')
    for (const value of [() => undefined, cycle, Number.NaN, Symbol('s'), undefined]) {
      await session.set('bad', value).catch(({ code }) => codes.push(code))
    }
    // One of the row's examples; here a big integer is a value like any other.
    await session.set('big', 1265476890672672808n)
    response.end('ok')
  })
  const { value: id } = sessionCookie(await ask(server))

  expect(codes).toEqual(Array(5).fill('ERR_VALUE'))
  const manager = new Manager({ storage, idAtRest: 'plain' })
  expect(await manager.new(id).data()).toEqual({ user: 'ann', big: 1265476890672672808n })
})

it('row 38: and a save that fails is told to the application and to the client', async () => {
  const errors: unknown[] = []
  const { storage, failWith } = failOnDemand()
  failWith(new Error('disk full'))
  const server = await start(
    {
      onError(error, _request, response) {
        errors.push(error)
        response.statusCode = 500
        response.end()
      },
    },
    storage,
  )

  expect((await ask(server, '/set?user=ann')).status).toBe(500)
  expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
})

it('row 39: logging out deletes the cookie: instead of a future date it gets one in the past', async () => {
  const browser = new Browser(await start())
  await browser.ask('/set?user=ann')
  const answer = await browser.ask('/del')
  const { value, path, expires } = sessionCookie(answer)

  expect([answer.setCookies.length, value, path]).toEqual([1, '', '/'])
  expect(expires?.getTime()).toBeLessThan(Date.now())
  expect(await browser.cookies()).toEqual({})
})

it("row 39: and if the handler removes the cookie itself, the application's line does not undo it", async () => {
  const browser = new Browser(
    await start({}, new StorageMemory(), async (request, response) => {
      if (request.url === '/del') {
        response.setHeader('Set-Cookie', 'sid=; Path=/; Max-Age=0')
        await request.session.removeAll()
      } else await request.session.set('user', 'ann')
      response.end()
    }),
  )
  await browser.ask('/set')
  const { setCookies } = await browser.ask('/del')

  for (const line of setCookies) expect(line).toMatch(/^sid=;.*Max-Age=0/)
  expect(await browser.cookies()).toEqual({})
})
