import fc from 'fast-check'
import {
  Manager,
  type ManagerOptions,
  newSessionId,
  type Session,
  SessionError,
  StorageMemory,
} from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hashSessionId } from '../../src/core/session-id.ts'
import { Browser } from '../helpers/http-browser.ts'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookie, sessionCookies } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'

const MINUTE = 60_000
const DAY = 86_400_000
/** A tenth of it is ten minutes. */
const TTL = 100 * MINUTE
const NOON = '2026-01-01T12:00:00Z'
/** The manager's clock is not the machine's: whoever asks the wrong one is found out. */
const clock = (): number => Date.parse(NOON) + passed
let passed = 0

beforeEach(() => {
  passed = 0
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-01T00:00:00Z') })
})

afterEach(() => {
  vi.useRealTimers()
})

const pass = (time: number): void => {
  passed += time
  vi.setSystemTime(Date.now() + time)
}

const handler: Handler = async ({ url, session }, response) => {
  if (url === '/set') await session.set('last', clock())
  if (url === '/update') await session.update('count', (n: unknown) => Number(n ?? 0) + 1)
  if (url === '/remove') await session.remove('nothing')
  if (url === '/get') await session.get('user')
  if (url === '/new-id') await session.regenerateId()
  if (url === '/late') response.write('the head has left, ')
  if (url === '/late') await session.set('late', true)
  if (url === '/data') response.end(JSON.stringify([await session.data(), await session.size()]))
  else response.end('ok')
}

const memory = (storage = new StorageMemory({ clock })): Manager =>
  new Manager({ storage, clock, ttl: TTL })

const start = (options: NodeSessionOptions = {}, manager = memory()) =>
  serve('http', manager, handler, options)

/** Asks once a minute, and answers in which minutes a cookie was set. */
async function minutesWithCookie(
  askOnce: (path: string) => Promise<Answer>,
  paths: readonly string[],
  minutes: number,
): Promise<number[]> {
  const found: number[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    pass(MINUTE)
    const answer = await askOnce(paths[minute % paths.length] ?? '/')
    if (sessionCookies(answer).length > 0) found.push(minute)
  }
  return found
}

describe('the cookie slides with the session', () => {
  it.each([
    ['read', ['/get']],
    ['written', ['/set']],
    ['updated', ['/update']],
    ['read and written', ['/get', '/set', '/update', '/data', '/remove']],
  ])('every tenth of its life, in a session that is only %s', async (_, paths) => {
    const browser = new Browser(await start())
    await browser.ask('/set')

    const minutes = await minutesWithCookie(path => browser.ask(path), paths, 35)
    expect(minutes).toEqual([10, 20, 30])
  })

  it.each(['/set', '/update'])('from the response on that began the session (%s)', async path => {
    const browser = new Browser(await start())
    expect(sessionCookies(await browser.ask(path))).toHaveLength(1)

    expect(await minutesWithCookie(() => browser.ask('/get'), [''], 12)).toEqual([10])
  })

  it('to its full life, under the same id', async () => {
    const browser = new Browser(await start())
    const first = sessionCookie(await browser.ask('/set'))
    pass(25 * MINUTE)
    const renewed = sessionCookie(await browser.ask('/get'))

    expect(renewed).toEqual({ ...first, expires: new Date(clock() + TTL) })
  })

  it('not when a request leaves the session alone', async () => {
    const browser = new Browser(await start())
    await browser.ask('/set')

    expect(await minutesWithCookie(() => browser.ask('/other'), [''], 30)).toEqual([])
  })

  it('as often as its own maxAge asks for', async () => {
    const browser = new Browser(await start({ cookie: { maxAge: '40m' } }))
    await browser.ask('/set')

    expect(await minutesWithCookie(() => browser.ask('/get'), [''], 13)).toEqual([4, 8, 12])
  })

  it.each<[what: string, ttl: ManagerOptions['ttl'], options: NodeSessionOptions]>([
    ['a ttl', '1000d', {}],
    ['its own maxAge', '1h', { cookie: { maxAge: '10000d' } }],
  ])('before the browser drops it, whatever %s of years says', async (_, ttl = '1h', options) => {
    const manager = new Manager({ storage: new StorageMemory({ clock }), clock, ttl })
    const browser = new Browser(await start(options, manager))
    const { maxAge, expires } = sessionCookie(await browser.ask('/set'))
    expect([maxAge, expires]).toEqual([400 * 86_400, new Date(clock() + 400 * DAY)])
    if (ttl === '1h') return

    const days: number[] = []
    for (let day = 1; day < 900; day++) {
      pass(DAY)
      const answer = await browser.ask('/get')
      if (sessionCookies(answer).length > 0) days.push(day)
      expect(await browser.cookies()).toHaveProperty('sid')
    }
    expect(days.slice(0, 3)).toEqual([40, 80, 120])
  })

  it('never when it ends with the browser', async () => {
    const browser = new Browser(await start({ cookie: { maxAge: 0 } }))
    await browser.ask('/set')

    expect(await minutesWithCookie(() => browser.ask('/get'), [''], 150)).toEqual([])
  })

  it('never for a client that keeps its id in a header', async () => {
    const server = await start({ header: 'X-Session' })
    const { headers } = await ask(server, '/set', { headers: { 'X-Session': '' } })
    const sent = { headers: { 'X-Session': headers['x-session'] ?? '' } }
    const minutes = await minutesWithCookie(path => ask(server, path, sent), ['/get', '/set'], 30)

    expect(minutes).toEqual([])
  })

  it('once for a session that was begun elsewhere, by Go say, and has no note', async () => {
    const manager = memory()
    const id = newSessionId()
    const session = manager.new()
    session.setId(id)
    await session.set('user', 'ann')
    await session.close()
    const server = await start({}, manager)
    const answers = [
      await askAs(`sid=${id}`, server, '/get'),
      await askAs(`sid=${id}`, server, '/get'),
      await askAs(`sid=${id}`, server, '/set'),
    ]

    expect(answers.map(answer => sessionCookies(answer).length)).toEqual([1, 0, 0])
  })

  it('not after the head has left, which is no error', async () => {
    const server = await start()
    const cookie = cookieFrom(await ask(server, '/set'))
    pass(15 * MINUTE)
    const late = await askAs(cookie, server, '/late')

    expect([late.text, late.setCookies]).toEqual(['the head has left, ok', []])
    expect(sessionCookies(await askAs(cookie, server, '/get'))).toHaveLength(1)
  })

  it('with one write, and one load at most', async () => {
    const { storage, calls } = countCalls(new StorageMemory({ clock }))
    const server = await start({}, memory(storage))
    const cookie = cookieFrom(await ask(server, '/set'))
    pass(5 * MINUTE)
    calls.length = 0
    await askAs(cookie, server, '/get')
    expect(calls).toEqual(['load'])

    pass(10 * MINUTE)
    for (const path of ['/get', '/set']) {
      calls.length = 0
      await askAs(cookie, server, path)
      expect(calls.filter(call => call !== 'refresh')).toEqual(['load', 'merge'])
      pass(10 * MINUTE)
    }
  })

  it.each([
    ['down', () => new Error('disk full'), 1],
    ['out of it', () => new SessionError('ERR_CONFLICT', 'Others came first'), 1],
    ['without it', () => new SessionError('ERR_GONE', 'It was removed'), 0],
  ])('not when the storage is %s, which fails no request', async (_, error, reports) => {
    const { storage, failWith } = failOnDemand(new StorageMemory({ clock }))
    const reported: Error[] = []
    const onBackgroundError = (failure: Error): unknown => reported.push(failure)
    const server = await start({}, new Manager({ storage, clock, ttl: TTL, onBackgroundError }))
    const cookie = cookieFrom(await ask(server, '/set'))
    pass(15 * MINUTE)
    failWith(error(), 'merge')
    for (const path of ['/get', '/data']) {
      const answer = await askAs(cookie, server, path)
      expect([answer.status, answer.setCookies]).toEqual([200, []])
    }
    expect(reported).toHaveLength(2 * reports)
    // It is tried again.
    failWith(error(), 'rotate')
    expect(sessionCookies(await askAs(cookie, server, '/get'))).toHaveLength(1)
  })

  it('not when the look at the record fails, if what was changed can be stored', async () => {
    const { storage, failWith } = failOnDemand(new StorageMemory({ clock }))
    const server = await start({}, memory(storage))
    const cookie = cookieFrom(await ask(server, '/set'))
    pass(15 * MINUTE)
    failWith(new Error('busy'), 'load')
    const answer = await askAs(cookie, server, '/set')

    expect([answer.status, answer.setCookies]).toEqual([200, []])
  })

  it.each<[string, (session: Session) => Promise<unknown>]>([
    ['out', session => session.removeAll()],
    ['in', session => session.regenerateId()],
  ])('not when the visitor logs %s elsewhere meanwhile', async (_, log) => {
    const manager = memory()
    const server = await serve('http', manager, async ({ url, session }, response) => {
      if (url === '/set') await session.set('user', 'ann')
      else {
        await session.get('user')
        const other = manager.new(await session.id())
        await log(other)
      }
      response.end('the page')
    })
    const cookie = cookieFrom(await ask(server, '/set'))
    pass(15 * MINUTE)
    const page = await askAs(cookie, server, '/page')

    expect([page.status, page.text, page.setCookies]).toEqual([200, 'the page', []])
  })

  it('is told again, with a new id', async () => {
    const browser = new Browser(await start())
    await browser.ask('/set')
    pass(5 * MINUTE)
    const { expires } = sessionCookie(await browser.ask('/new-id'))

    expect(expires).toEqual(new Date(clock() + TTL))
    expect(sessionCookies(await browser.ask('/get'))).toEqual([])
  })
})

it('the note of when the cookie was set is seen by nobody', async () => {
  const storage = new StorageMemory({ clock })
  const browser = new Browser(await start({}, memory(storage)))
  const { value: id } = sessionCookie(await browser.ask('/update'))
  pass(15 * MINUTE)
  await browser.ask('/get')

  expect((await browser.ask('/data')).text).toBe('[{"count":1},1]')
  expect(await storage.getSession(hashSessionId(id), TTL)).toEqual({
    count: 1,
    __gsession: { cookie: clock() },
  })
})

it('neither the cookie nor the session outlives the other, and nobody is logged out who comes back in time', async () => {
  const path = fc.constantFrom('/get', '/set', '/update', '/data', '/other', '/new-id')
  const pause = fc.integer({ min: 0, max: 130 }).map(minutes => minutes * MINUTE + 1)
  const visit = fc.tuple(fc.oneof(pause, fc.constant(MINUTE)), path)
  const storage = new StorageMemory({ clock })
  const server = await start({}, memory(storage))

  await fc.assert(
    fc.asyncProperty(fc.array(visit, { minLength: 1, maxLength: 15 }), async visits => {
      const browser = new Browser(server)
      await browser.ask('/set')
      let lastUse = clock()
      for (const [time, asked] of visits) {
        pass(time)
        const age = clock() - lastUse
        const { sid: before } = await browser.cookies()
        const isKnown = before !== undefined && storage.load(hashSessionId(before)) !== undefined
        if (age < 0.9 * TTL) expect(isKnown).toBe(true)
        if (age > TTL + 1000) expect(isKnown).toBe(false)
        if (asked === '/other' || !isKnown) continue

        await browser.ask(asked)
        lastUse = clock()
        const [cookie] = await browser.jar.getCookies('http://localhost/')
        const session = storage.load(hashSessionId(cookie?.value ?? ''))
        expect(session).toBeDefined()
        // Dates in cookies are whole seconds, rounded up.
        // (The jar's own answer would be Max-Age after the last access.)
        const end = new Date(cookie?.expires ?? 0).getTime()
        expect(end).toBeLessThan((session?.expiresAt ?? 0) + 1000)
        expect(end).toBeGreaterThan(clock() + 0.9 * TTL)
      }
    }),
    { numRuns: 40 },
  )
})
