import { Manager, newSessionId, type Session, StorageMemory } from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookie } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { failOnDemand } from '../helpers/http-storage.ts'

const ACTS: Readonly<Record<string, (session: Session, id: string) => Promise<unknown>>> = {
  '/get': session => session.get('user'),
  '/data': session => session.data(),
  '/id': session => session.id(),
  '/remove': session => session.remove('user'),
  '/del': session => session.removeAll(),
  '/get-del': async session => {
    await session.get('user')
    await session.removeAll()
  },
  '/set': session => session.set('user', 'ann'),
  '/new-id': session => session.regenerateId(),
  '/choose': async (session, id) => {
    session.setId(id)
    await session.set('user', 'ann')
  },
  '/choose-del': async (session, id) => {
    session.setId(id)
    await session.get('user')
    await session.removeAll()
  },
}

const handler: Handler = async ({ url = '', session }, response) => {
  const [path = '', id = ''] = url.split('?')
  await ACTS[path]?.(session, id)
  response.end('ok')
}

const start = (options: NodeSessionOptions = {}, storage = new StorageMemory()) =>
  serve('http', new Manager({ storage }), handler, options)

const told = ({ setCookies, headers }: Answer) => [setCookies.length, headers['x-session']]

describe('the cookie of a session that has ended', () => {
  it.each(['/get', '/data', '/id', '/remove', '/del', '/get-del'])(
    'is removed by a request that uses it (%s)',
    async path => {
      const answer = await askAs(`sid=${newSessionId()}`, await start(), path)
      expect(sessionCookie(answer)).toMatchObject({ value: '', maxAge: 0 })
    },
  )

  it('is left alone by a request that does not, or has none', async () => {
    const server = await start({ header: 'X-Session' })
    expect((await askAs(`sid=${newSessionId()}`, server, '/other')).setCookies).toEqual([])
    expect((await ask(server, '/get')).setCookies).toEqual([])
    expect((await askAs('sid=../x', server, '/get')).setCookies).toEqual([])
    const headers = { 'x-session': newSessionId() }
    expect(told(await ask(server, '/get', { headers }))).toEqual([0, undefined])
    expect(told(await ask(server, '/del', { headers }))).toEqual([0, undefined])
  })

  it('is left alone while the storage is down', async () => {
    const { storage, failWith } = failOnDemand()
    const server = await start({ onError: (_e, _q, response) => response.end('down') }, storage)
    failWith(new Error('down'))
    expect((await askAs(`sid=${newSessionId()}`, server, '/get')).setCookies).toEqual([])
  })

  it('is left alone by a request that was on its way while the session got a new id', async () => {
    const server = await start()
    const old = cookieFrom(await ask(server, '/set'))
    await askAs(old, server, '/new-id')
    expect((await askAs(old, server, '/get')).setCookies).toEqual([])
    expect(sessionCookie(await askAs(old, server, '/del')).value).toBe('')
  })

  it('is left alone by such a request with an unknown cookie beside it, in either order', async () => {
    const server = await start()
    for (const isFirst of [true, false]) {
      const old = cookieFrom(await ask(server, '/set'))
      const unknown = `sid=${newSessionId()}`
      const both = isFirst ? `${unknown}; ${old}` : `${old}; ${unknown}`
      await askAs(both, server, '/new-id')
      for (const cookie of [old, both]) {
        expect((await askAs(cookie, server, '/get')).setCookies).toEqual([])
      }
    }
  })
})

describe('setId', () => {
  it('tells nothing to a client that has this id', async () => {
    const server = await start({ header: 'X-Session' })
    const id = newSessionId()
    const first = await ask(server, `/choose?${id}`)
    expect(sessionCookie(first).value).toBe(id)
    expect((await askAs(`sid=${id}`, server, `/choose?${id}`)).setCookies).toEqual([])
    const headers = { 'x-session': id }
    expect(told(await ask(server, `/choose?${id}`, { headers }))).toEqual([0, undefined])
  })

  it('tells another id in the way that the request came with', async () => {
    const id = newSessionId()
    const server = await start({ header: 'X-Session' })
    const other = newSessionId()
    expect(sessionCookie(await askAs(`sid=${other}`, server, `/choose?${id}`)).value).toBe(id)
    for (const sent of ['', other]) {
      const headers = { 'x-session': sent }
      expect(told(await ask(server, `/choose?${id}`, { headers }))).toEqual([0, id])
    }
    const headerOnly = await start({ header: 'X-Session', cookie: false })
    expect(told(await ask(headerOnly, `/choose?${id}`))).toEqual([0, id])
    const headers = { 'x-session': id }
    expect(told(await ask(headerOnly, `/choose?${id}`, { headers }))).toEqual([0, undefined])
  })

  it('then removeAll: the cookie that was sent is removed', async () => {
    const server = await start()
    const id = newSessionId()
    for (const sent of [id, newSessionId()]) {
      const answer = await askAs(`sid=${sent}`, server, `/choose-del?${id}`)
      expect(sessionCookie(answer).value).toBe('')
    }
    expect((await ask(server, `/choose-del?${id}`)).setCookies).toEqual([])
  })
})
