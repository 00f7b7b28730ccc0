import { Manager, newSessionId, type Session, StorageMemory } from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { hashSessionId } from '../../src/core/session-id.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { sessionCookie, sessionCookies } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { countCalls } from '../helpers/http-storage.ts'

const HEADER = 'x-session'

function setUp(options: NodeSessionOptions = { header: HEADER }) {
  const { storage, calls } = countCalls(new StorageMemory())
  const manager = new Manager({ storage })
  return {
    calls,
    isStored: (id: string): boolean => storage.load(hashSessionId(id)) !== undefined,
    async begin(user: string): Promise<string> {
      const session = manager.new()
      await session.set('user', user)
      await session.close()
      calls.length = 0
      return session.id()
    },
    start: () => serve('http', manager, handler, options),
  }
}

const ACTS: Readonly<Record<string, (session: Session, id: string) => Promise<unknown>>> = {
  '/get': async session => session.get('user', 'nobody'),
  '/set': async session => {
    await session.set('seen', true)
    await session.close()
    return session.get('user', 'nobody')
  },
  '/update': async session => {
    await session.update('seen', () => true)
    return session.get('user', 'nobody')
  },
  '/new-id': async session => {
    await session.regenerateId()
    return session.get('user', 'nobody')
  },
  '/del': session => session.removeAll(),
  '/choose-del': async (session, id) => {
    session.setId(id)
    await session.removeAll()
  },
  '/late-del': async session => {
    await session.get('user')
    await session.removeAll()
  },
  '/new-id-del': async session => {
    await session.regenerateId()
    await session.removeAll()
  },
}

const handler: Handler = async ({ url = '', session }, response) => {
  const [path = '', id = ''] = url.split('?')
  response.end(String(await ACTS[path]?.(session, id)))
}

const cookiesOf = (...ids: string[]): string => ids.map(id => `sid=${id}`).join('; ')

describe('several cookies of the same name', () => {
  const unknown = newSessionId()
  const ORDERS: Readonly<Record<string, (good: string) => string>> = {
    'the good one first': good => cookiesOf(good, unknown),
    'the good one last': good => cookiesOf(unknown, good),
    'the good one between others': good => `a=b; ${cookiesOf(newSessionId(), good, unknown)}; c=d`,
    'the good one twice': good => cookiesOf(good, unknown, good),
    'the good one beside a malformed one': good => `${cookiesOf(good, unknown)}; sid=../x`,
  }
  const PATHS = ['/get', '/set', '/update', '/new-id']
  it.each(Object.keys(ORDERS).flatMap(order => PATHS.map(path => [order, path] as const)))(
    '%s: the session is found by %s',
    async (order, path) => {
      const { begin, start } = setUp()
      const good = await begin('ann')
      const answer = await askAs(ORDERS[order]?.(good) ?? '', await start(), path)

      expect(answer.text).toBe('ann')
      const told = sessionCookies(answer).map(({ value }) => value)
      // A session that was begun elsewhere has its cookie renewed.
      if (path === '/new-id') expect(told).not.toContain(good)
      else expect(told).toEqual([good])
    },
  )

  it('the last one counts of two that are good', async () => {
    const { begin, start } = setUp()
    const ids = [await begin('bob'), await begin('ann')]
    expect((await askAs(cookiesOf(...ids), await start(), '/get')).text).toBe('ann')
  })

  it('a fourth one is not looked at', async () => {
    const { begin, calls, start } = setUp()
    const good = await begin('ann')
    const others = [newSessionId(), newSessionId(), newSessionId()]
    const answer = await askAs(cookiesOf(good, ...others), await start(), '/get')
    expect([answer.text, calls]).toEqual(['nobody', ['load', 'load', 'load']])
  })

  it('one cookie costs one load', async () => {
    const { begin, calls, start } = setUp()
    const good = await begin('ann')
    const server = await start()
    await askAs(cookiesOf(good), server, '/get')
    expect(calls.filter(call => call === 'load')).toEqual(['load'])
    calls.length = 0
    await askAs(cookiesOf(unknown), server, '/get')
    expect(calls).toEqual(['load'])
  })

  it('none of them is adopted', async () => {
    const { isStored, start } = setUp()
    const ids = [newSessionId(), newSessionId()]
    const answer = await askAs(cookiesOf(...ids), await start(), '/set')
    expect(ids).not.toContain(sessionCookie(answer).value)
    expect(ids.filter(isStored)).toEqual([])
  })

  it.each(['/del', '/late-del', '/new-id-del'])('log-out (%s) ends all of them', async path => {
    const { begin, isStored, start } = setUp()
    const ids = [await begin('ann'), await begin('bob'), await begin('eve')]
    const answer = await askAs(cookiesOf(...ids), await start(), path)
    expect(ids.filter(isStored)).toEqual([])
    expect(sessionCookie(answer)).toMatchObject({ value: '', maxAge: 0 })
  })
})

describe('a cookie beside a header', () => {
  it.each(['/get', '/set', '/update'])(
    'an unknown cookie hides no good header (%s)',
    async path => {
      const { begin, start } = setUp()
      const id = await begin('ann')
      const headers = { [HEADER]: id }
      const answer = await askAs(cookiesOf(newSessionId()), await start(), path, { headers })
      expect(answer.text).toBe('ann')
      expect([answer.setCookies, answer.headers[HEADER]]).toEqual([[], undefined])
    },
  )

  it('not even three of them', async () => {
    const { begin, start } = setUp()
    const headers = { [HEADER]: await begin('ann') }
    const cookies = cookiesOf(newSessionId(), newSessionId(), newSessionId())
    expect((await askAs(cookies, await start(), '/get', { headers })).text).toBe('ann')
  })

  it('an id that came by the header is never told in a cookie', async () => {
    const { begin, start } = setUp()
    const server = await start()
    for (const cookie of ['a=b', cookiesOf(newSessionId())]) {
      const headers = { [HEADER]: await begin('ann') }
      const answer = await askAs(cookie, server, '/new-id', { headers })
      expect(answer.setCookies).toEqual([])
      expect(answer.headers[HEADER]).toMatch(/^[\w-]{43}$/)
    }
  })

  it('log-out ends the sessions of both', async () => {
    const { begin, isStored, start } = setUp()
    const ids = [await begin('ann'), await begin('bob')]
    const headers = { [HEADER]: ids[1] ?? '' }
    const answer = await askAs(cookiesOf(ids[0] ?? ''), await start(), '/del', { headers })
    expect(ids.filter(isStored)).toEqual([])
    expect(sessionCookie(answer).value).toBe('')
  })

  it('log-out by a chosen id ends the sessions that were sent too', async () => {
    const { begin, isStored, start } = setUp()
    const server = await start()
    for (const chosenAt of [0, 1, 2]) {
      const ids = [await begin('ann'), await begin('bob'), await begin('eve')]
      await askAs(cookiesOf(...ids.slice(0, 2)), server, `/choose-del?${ids[chosenAt]}`)
      expect(ids.filter(isStored)).toEqual(chosenAt === 2 ? [] : ids.slice(2))
    }
  })
})

describe('Authorization: Bearer', () => {
  const options = { header: 'Authorization' }

  it.each(['Bearer ', 'bearer ', 'BEARER   '])('takes an id behind %j', async scheme => {
    const { begin, start } = setUp(options)
    const authorization = `${scheme}${await begin('ann')}`
    const answer = await ask(await start(), '/get', { headers: { authorization } })
    expect([answer.text, answer.setCookies]).toEqual(['ann', []])
  })

  it('answers a new id so that the client can send it back as it is', async () => {
    const { begin, start } = setUp(options)
    const server = await start()
    for (const sent of [
      `Bearer ${await begin('ann')}`,
      'Bearer',
      'bearer ',
      `Bearer ${newSessionId()}`,
    ]) {
      const answer = await ask(server, '/new-id', { headers: { authorization: sent } })
      if (answer.text === 'nobody') continue
      const authorization = answer.headers['authorization'] ?? ''
      expect(authorization).toMatch(/^Bearer [\w-]{43}$/)
      expect(answer.setCookies).toEqual([])
      expect((await ask(server, '/get', { headers: { authorization } })).text).toBe('ann')
    }
    const first = await ask(server, '/set', { headers: { authorization: 'Bearer' } })
    expect(first.headers['authorization']).toMatch(/^Bearer [\w-]{43}$/)
    expect(first.headers['vary']).toMatch(/authorization/i)
  })

  it.each([
    (id: string) => `Basic ${id}`,
    (id: string) => id,
    (id: string) => `Bearer${id}`,
    (id: string) => `Token ${id}`,
  ])('takes nothing of another scheme (%s)', async written => {
    const { begin, start } = setUp(options)
    const headers = { authorization: written(await begin('ann')) }
    const server = await start()
    expect((await ask(server, '/get', { headers })).text).toBe('nobody')
    // Nor is that a client that keeps its id in the header.
    expect(sessionCookies(await ask(server, '/set', { headers }))).toHaveLength(1)
  })

  it('takes no id that is malformed', async () => {
    const { start, calls } = setUp(options)
    const headers = { authorization: 'Bearer ey.J.x' }
    expect((await ask(await start(), '/get', { headers })).text).toBe('nobody')
    expect(calls).toEqual([])
  })
})
