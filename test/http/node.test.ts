import type { ServerResponse } from 'node:http'
import { Manager, newSessionId, SessionError, StorageMemory } from 'gsession'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, cookieName, sessionCookie, sessionCookies } from '../helpers/http-cookies.ts'
import {
  type Handler,
  isHttp2Kind,
  isSecureKind,
  KINDS,
  listen,
  serve,
} from '../helpers/http-servers.ts'
import { countCalls, failOnDemand, interceptStorage } from '../helpers/http-storage.ts'

/** `/set?key=value` sets, `/get` answers the data, `/del` logs out, `/new-id` regenerates the id. */
const routes: Handler = async ({ url = '/', session }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname === '/set') await session.setMap(Object.fromEntries(searchParams))
  if (pathname === '/del') await session.removeAll()
  if (pathname === '/new-id') await session.regenerateId()
  if (pathname === '/count') await session.update('count', (n: unknown) => Number(n ?? 0) + 1)
  response.end(JSON.stringify(await session.data()))
}

let stderr: MockInstance

beforeEach(() => {
  stderr = vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

afterEach(() => {
  stderr.mockRestore()
})

describe.each(KINDS)('sessions over %s', kind => {
  const name = cookieName(kind)
  const memory = (): Manager => new Manager({ storage: new StorageMemory() })
  const start = (handler: Handler, manager = memory()) => serve(kind, manager, handler)

  it('leaves a request alone that does not touch its session: no header, no storage call', async () => {
    const { storage, calls } = countCalls()
    const handler: Handler = (_request, response) => {
      response.setHeader('Date', 'today')
      response.end('hello')
    }
    const server = await start(handler, new Manager({ storage }))
    const plain = await listen(kind, handler as (...args: unknown[]) => unknown)

    const answer = await askAs(`${name}=${newSessionId()}`, server)

    expect(answer.headers).toEqual((await ask(plain)).headers)
    expect(answer.text).toBe('hello')
    expect(calls).toEqual([])
  })

  it('makes neither a record nor a cookie for a visitor whose session is only read', async () => {
    const { storage, calls } = countCalls()
    const server = await start(async ({ session }, response) => {
      await session.get('user')
      await session.remove('user')
      await session.removeAll()
      response.end(JSON.stringify([await session.data(), await session.size()]))
    }, new Manager({ storage }))

    const answer = await ask(server)

    expect(answer.text).toBe('[{},0]')
    expect(answer.setCookies).toEqual([])
    expect(calls).toEqual([])
  })

  it('sets one cookie for a new session', async () => {
    const server = await start(routes)
    const answer = await ask(server, '/set?user=ann')

    expect(answer.setCookies).toHaveLength(1)
    expect(sessionCookie(answer)).toMatchObject({
      name,
      value: expect.stringMatching(/^[\w-]{43}$/),
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
    })
    expect(sessionCookie(answer).secure ?? false).toBe(isSecureKind(kind))
    expect(sessionCookie(answer)).not.toHaveProperty('domain')
    expect(sessionCookie(answer).maxAge).toBe(86_400)
  })

  it.each(['set?user=ann', 'count'])('knows the session at the next request (%s)', async path => {
    const browser = new Browser(await start(routes))
    const first = await browser.ask(`/${path}`)

    expect((await browser.ask('/get')).text).toBe(first.text)
    expect(first.text).not.toBe('{}')
  })

  it.each(['set?user=ann', 'count'])(
    'sets no cookie again for a session that is there (begun by %s)',
    async path => {
      const browser = new Browser(await start(routes))
      await browser.ask(`/${path}`)

      for (const next of ['/get', '/set?user=bob', '/count', '/get']) {
        expect((await browser.ask(next)).setCookies, next).toEqual([])
      }
    },
  )

  it.each([
    '../../etc/passwd',
    'a/b',
    'user:1',
    '*',
    '',
    '""',
    'a b',
    '%61%62%63',
    'a'.repeat(129),
  ])('never asks the storage for %j, which is no id', async bogus => {
    const { storage, calls } = countCalls()
    const server = await start(routes, new Manager({ storage }))

    expect((await askAs(`${name}=${bogus}`, server, '/get')).setCookies).toEqual([])
    expect(calls).toEqual([])
    const answer = await askAs(`${name}=${bogus}`, server, '/set?user=ann')
    expect(sessionCookie(answer).value).toMatch(/^[\w-]{43}$/)
  })

  it('never adopts an id that the storage does not know', async () => {
    const storage = new StorageMemory()
    const server = await start(routes, new Manager({ storage, idAtRest: 'plain' }))
    const planted = newSessionId()

    expect(sessionCookie(await askAs(`${name}=${planted}`, server, '/get')).value).toBe('')
    const answer = await askAs(`${name}=${planted}`, server, '/set?user=ann')

    expect(sessionCookie(answer).value).not.toBe(planted)
    expect(await storage.getSession(planted, 1)).toBeUndefined()
    expect((await askAs(cookieFrom(answer), server, '/get')).text).toBe('{"user":"ann"}')
  })

  it('stores nothing for ids that nobody knows, however many are sent', async () => {
    const storage = new StorageMemory()
    const server = await start(routes, new Manager({ storage }))
    const paths = ['/get', '/del', '/new-id']
    const answers = await Promise.all(
      paths.map(path => askAs(`${name}=${newSessionId()}`, server, path)),
    )

    expect(storage.size).toBe(0)
    expect(answers.flatMap(answer => sessionCookies(answer).filter(({ value }) => value))).toEqual(
      [],
    )
  })

  it('loses nothing of ten parallel requests on one session', async () => {
    const server = await start(routes)
    const cookie = cookieFrom(await ask(server, '/set?user=ann'))
    const numbers = Array.from({ length: 10 }, (_, number) => number)

    await Promise.all(
      numbers.flatMap(number => [
        askAs(cookie, server, `/set?key${number}=${number}`),
        askAs(cookie, server, '/count'),
      ]),
    )

    const data = JSON.parse((await askAs(cookie, server, '/get')).text)
    const keys = numbers.map(number => [`key${number}`, `${number}`])
    expect(data).toEqual({ user: 'ann', count: 10, ...Object.fromEntries(keys) })
  })

  it('makes the client forget a removed session, by the attributes that the cookie had', async () => {
    const storage = new StorageMemory()
    const browser = new Browser(await start(routes, new Manager({ storage })))
    await browser.ask('/set?user=ann')
    expect(Object.keys(await browser.cookies())).toEqual([name])

    const answer = await browser.ask('/del')

    const { value, maxAge, expires, ...attributes } = sessionCookie(answer)
    expect({ value, maxAge, expires }).toEqual({ value: '', maxAge: 0, expires: new Date(0) })
    const {
      value: _,
      expires: __,
      maxAge: ___,
      ...before
    } = sessionCookie(await browser.ask('/set?user=bob'))
    expect(attributes).toEqual(before)
    await browser.ask('/del')
    expect(await browser.cookies()).toEqual({})
    expect(storage.size).toBe(0)
  })

  it('tells the client its new id, and the old one is worth nothing', async () => {
    const browser = new Browser(await start(routes))
    const old = cookieFrom(await browser.ask('/set?user=ann'))

    const answer = await browser.ask('/new-id')

    expect(cookieFrom(answer)).not.toBe(old)
    expect(answer.text).toBe('{"user":"ann"}')
    expect((await browser.ask('/get')).text).toBe('{"user":"ann"}')
    const again = await start(routes)
    expect((await askAs(old, again, '/get')).text).toBe('{}')
  })

  it('begins a new session, under a new id, for what is set after removeAll', async () => {
    const browser = new Browser(
      await start(async ({ url, session }, response) => {
        if (url === '/relogin') await session.removeAll()
        if (url !== '/get') await session.set(`from ${url}`, true)
        response.end(JSON.stringify(await session.data()))
      }),
    )
    const old = cookieFrom(await browser.ask('/login'))
    const answer = await browser.ask('/relogin')

    expect(sessionCookie(answer).value).not.toBe('')
    expect(cookieFrom(answer)).not.toBe(old)
    expect((await browser.ask('/get')).text).toBe('{"from /relogin":true}')
  })

  describe("keeps the application's own cookies", () => {
    const own = ['theme=dark; Path=/', 'lang=de']
    const answers: Record<string, (response: ServerResponse) => void> = {
      setHeader: response => {
        response.setHeader('Set-Cookie', own)
        response.end()
      },
      appendHeader: response => {
        for (const line of own) response.appendHeader('set-cookie', line)
        response.end()
      },
      'writeHead(status, object)': response => response.writeHead(200, { 'set-cookie': own }).end(),
      'writeHead(status, flat array)': response =>
        response
          .writeHead(
            200,
            own.flatMap(line => ['Set-Cookie', line]),
          )
          .end(),
      'writeHead(status, flat array) after setHeader': response => {
        response.setHeader('Set-Cookie', 'replaced=yes')
        response.setHeader('X-Kept', 'kept')
        response
          .writeHead(
            200,
            own.flatMap(line => ['Set-Cookie', line]),
          )
          .end()
      },
      'writeHead(status, pairs)': response =>
        response
          .writeHead(
            200,
            own.map(line => ['Set-Cookie', line]),
          )
          .end(),
      'writeHead(status, message, headers)': response =>
        response.writeHead(200, 'Fine', { 'Set-Cookie': own }).end(),
    }

    it.each(Object.keys(answers))('%s', async way => {
      const server = await start(async ({ session }, response) => {
        await session.set('user', 'ann')
        answers[way]?.(response)
      })
      const answer = await ask(server)

      expect(answer.setCookies).toHaveLength(3)
      expect(answer.setCookies.slice(0, 2)).toEqual(own)
      expect(sessionCookie(answer).name).toBe(name)
    })
  })

  it('writes no cookie into an array of the application, which others would be sent too', async () => {
    const own = ['theme=dark']
    const server = await start(async ({ url, session }, response) => {
      await session.set('user', 'ann')
      if (url === '/flat') response.writeHead(200, ['Set-Cookie', own])
      else response.setHeader('Set-Cookie', own)
      response.end()
    })
    await ask(server, '/set')
    await ask(server, '/flat')

    expect(own).toEqual(['theme=dark'])
    expect((await ask(server, '/set')).setCookies).toHaveLength(2)
  })

  it('stores and tells what was changed before the handler threw (row 28)', async () => {
    const browser = new Browser(
      await start(async ({ url, session }, response) => {
        if (url !== '/get') {
          await session.set('user', 'ann')
          throw new Error('boom')
        }
        response.end(JSON.stringify(await session.data()))
      }),
    )
    const answer = await browser.ask('/')

    expect([answer.status, answer.text]).toEqual([500, 'Internal Server Error'])
    expect((await browser.ask('/get')).text).toBe('{"user":"ann"}')
    expect(stderr).toHaveBeenCalledExactlyOnceWith(new Error('boom'))
  })

  describe('with saveOnError: false', () => {
    const startStrict = (storage: StorageMemory, handler: Handler) =>
      serve(kind, new Manager({ storage }), handler, { saveOnError: false })

    it('stores nothing, and tells nothing, when the handler threw', async () => {
      const storage = new StorageMemory()
      const server = await startStrict(storage, async ({ session }) => {
        await session.set('user', 'ann')
        throw new Error('boom')
      })
      const answer = await ask(server)

      expect(answer.status).toBe(500)
      expect(answer.setCookies).toEqual([])
      expect(storage.size).toBe(0)
    })

    it('tells of a new id that is stored already, lest the session is lost', async () => {
      const browser = new Browser(
        await startStrict(new StorageMemory(), async ({ url, session }, response) => {
          if (url === '/set') await session.set('user', 'ann')
          if (url === '/fail') {
            await session.regenerateId()
            await session.set('user', 'bob')
            throw new Error('boom')
          }
          response.end(JSON.stringify(await session.data()))
        }),
      )
      await browser.ask('/set')

      expect((await browser.ask('/fail')).status).toBe(500)
      expect((await browser.ask('/get')).text).toBe('{"user":"ann"}')
    })
  })

  it('answers 500 to a handler that throws at once', async () => {
    const server = await start(() => {
      throw new Error('boom')
    })
    const answer = await ask(server)

    expect([answer.status, answer.text]).toEqual([500, 'Internal Server Error'])
    expect(answer.setCookies).toEqual([])
  })

  it('drops the headers of an answer that was not to be', async () => {
    const server = await start(async (_request, response) => {
      response.setHeader('Content-Length', 7)
      response.setHeader('Content-Type', 'image/png')
      throw new Error('boom')
    })
    const answer = await ask(server)

    expect(answer.text).toBe('Internal Server Error')
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
  })

  it('lets the answer through that had ended before the handler threw', async () => {
    const server = await start(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.end('done')
      throw new Error('too late')
    })
    const answer = await ask(server)

    expect([answer.status, answer.text]).toEqual([200, 'done'])
    expect(sessionCookies(answer)).toHaveLength(1)
    expect(stderr).toHaveBeenCalledWith(new Error('too late'))
  })

  it('cuts off an answer that was under way when the handler threw', async () => {
    const server = await start(async (_request, response) => {
      response.write('half of')
      throw new Error('boom')
    })

    await expect(ask(server)).rejects.toThrow()
  })

  it('lets onError answer', async () => {
    const seen: unknown[] = []
    const server = await serve(
      kind,
      memory(),
      async ({ session }) => {
        await session.set('user', 'ann')
        throw new Error('boom')
      },
      {
        onError(error, request, response) {
          seen.push(error, request.url)
          response.statusCode = 418
          response.end('sorry')
        },
      },
    )
    const answer = await ask(server, '/tea')

    expect([answer.status, answer.text]).toEqual([418, 'sorry'])
    expect(seen).toEqual([new Error('boom'), '/tea'])
    expect(sessionCookies(answer)).toHaveLength(1)
  })

  it('refuses what node refuses in an answer, once the session is saved', async () => {
    const storage = new StorageMemory()
    const server = await start(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.end(123 as unknown as string)
    }, new Manager({ storage }))
    // Over HTTP/2 node looks at the body only after it has sent the head.
    if (isHttp2Kind(kind)) await expect(ask(server)).rejects.toThrow()
    else {
      const answer = await ask(server)
      expect([answer.status, answer.text]).toEqual([500, 'Internal Server Error'])
      expect(sessionCookies(answer)).toHaveLength(1)
    }
    expect(storage.size).toBe(1)
  })

  describe('when the storage fails', () => {
    const handler: Handler = async ({ url, session }, response) => {
      if (url === '/read') await session.get('user')
      else await session.set('user', 'ann')
      response.writeHead(200, { 'X-Answer': 'success' })
      response.end('success')
    }

    it.each(['/read', '/write'])('answers 503 and not the success (%s)', async path => {
      const { storage, failWith } = failOnDemand()
      const server = await start(handler, new Manager({ storage }))
      failWith(new Error('disk full'))
      const answer = await askAs(`${name}=${newSessionId()}`, server, path)

      expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
      expect(answer.headers).not.toHaveProperty('x-answer')
      expect(answer.setCookies).toEqual([])
    })

    it('says why to onError', async () => {
      const { storage, failWith } = failOnDemand()
      const errors: unknown[] = []
      const server = await serve(kind, new Manager({ storage }), handler, {
        onError(error, _request, response) {
          errors.push(error)
          response.statusCode = 503
          response.end('later')
        },
      })
      const cause = new Error('disk full')
      failWith(cause)
      const answer = await ask(server, '/write')

      expect([answer.status, answer.text]).toEqual([503, 'later'])
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE', cause })])
      expect(errors[0]).toBeInstanceOf(SessionError)
    })

    it('survives a handler that goes on writing', async () => {
      const { storage, failWith } = failOnDemand()
      let goOn: (() => void) | undefined
      const server = await start(async ({ session }, response) => {
        await session.set('user', 'ann')
        response.write('success')
        // As soon as the error was answered, and long before the client has read it.
        await new Promise<void>(resolve => {
          goOn = resolve
        })
        response.write('more success')
        response.end('the end')
      }, new Manager({ storage }))
      failWith(new Error('disk full'))
      stderr.mockImplementation(() => queueMicrotask(() => goOn?.()))
      const answer = await ask(server)

      expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
    })

    it('tells of the new id that was stored before the failure', async () => {
      const { storage, failWith } = failOnDemand()
      const browser = new Browser(
        await start(async ({ url, session }, response) => {
          if (url === '/login') {
            await session.set('user', 'ann')
            await session.regenerateId()
            await session.set('user', 'bob')
            failWith(new Error('disk full'), 'merge')
          }
          response.end(JSON.stringify(await session.data()))
        }, new Manager({ storage })),
      )

      expect((await browser.ask('/login')).status).toBe(503)
      expect((await browser.ask('/get')).text).toBe('{"user":"ann"}')
    })
  })

  it('answers 409 when the session was removed while the request was under way', async () => {
    const manager = memory()
    const browser = new Browser(
      await start(async ({ url, session }, response) => {
        if (url === '/late') {
          await session.get('user')
          await manager.new(await session.id()).removeAll()
        }
        await session.set('user', 'ann')
        response.end('success')
      }, manager),
    )
    await browser.ask('/')
    const answer = await browser.ask('/late')

    expect([answer.status, answer.text]).toEqual([409, 'Conflict: the session has ended'])
    expect(answer.setCookies).toEqual([])
    expect(stderr).not.toHaveBeenCalled()
  })

  it('refuses changes after the response has ended', async () => {
    const refusals: Promise<unknown>[] = []
    const server = await start(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.end('ok')
      const attempts = [
        session.set('late', true),
        session.remove('user'),
        session.removeAll(),
        session.regenerateId(),
        session.update('late', () => 1),
      ]
      refusals.push(...attempts.map(attempt => attempt.catch((error: unknown) => error)))
    })
    const answer = await ask(server)

    expect(answer.text).toBe('ok')
    const tooLate = expect.objectContaining({ code: 'ERR_HEADERS_SENT' })
    expect(await Promise.all(refusals)).toEqual(Array(5).fill(tooLate))
    expect((await new Browser(server).ask()).status).toBe(200)
  })

  it('refuses to begin a session when the head has left', async () => {
    const errors: unknown[] = []
    const storage = new StorageMemory()
    const handler: Handler = async ({ session }, response) => {
      response.write('first')
      await session.set('user', 'ann')
      response.end('last')
    }
    const server = await serve(kind, new Manager({ storage }), handler, {
      onError(error, _request, response) {
        errors.push(error)
        response.destroy()
      },
    })

    await expect(ask(server)).rejects.toThrow()
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HEADERS_SENT' })])
    expect(storage.size).toBe(0)
  })

  it('refuses a new id when the head has left', async () => {
    const errors: unknown[] = []
    const server = await start(async ({ session }, response) => {
      response.write('first,')
      await session.regenerateId().catch((error: unknown) => errors.push(error))
      response.end('last')
    })

    expect((await ask(server)).text).toBe('first,last')
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HEADERS_SENT' })])
  })

  it('still saves a session that is there when the head has left', async () => {
    const browser = new Browser(
      await start(async ({ url, session }, response) => {
        if (url === '/stream') response.write('first,')
        if (url !== '/get') await session.set('url', url)
        response.end(`${await session.get('url')}`)
      }),
    )
    await browser.ask('/')

    expect((await browser.ask('/stream')).text).toBe('first,/stream')
    expect((await browser.ask('/get')).text).toBe('/stream')
  })

  describe('when the client goes away', () => {
    const goAway = ask

    /** Resolves once the session's data are these. */
    const stored = (manager: Manager, id: string, data: object): Promise<void> =>
      eventually(async () => expect(await manager.new(id).data()).toEqual(data))

    const endings: Record<string, (response: ServerResponse) => void> = {
      'ends the response': response => void response.end('ok'),
      'writes, then ends the response': response => {
        response.write('o')
        response.end('k')
      },
      'answers no more': () => undefined,
    }

    it.each(Object.keys(endings))(
      'saves what was set before, when the handler %s',
      async ending => {
        const manager = memory()
        const id = newSessionId()
        const session = manager.new()
        session.setId(id)
        await session.set('user', 'ann')
        await session.close()
        const server = await start(async ({ session, socket }, response) => {
          await session.set('before', true)
          const closed = new Promise(resolve => response.once('close', resolve))
          socket.destroy()
          await closed
          await session.set('after', true)
          endings[ending]?.(response)
        }, manager)

        await expect(
          goAway(server, '/', { headers: { cookie: `${name}=${id}` } }),
        ).rejects.toThrow()
        await stored(manager, id, { user: 'ann', before: true, after: true })
      },
    )

    it.each(Object.keys(endings))(
      'saves what is set only then, when the handler %s',
      async ending => {
        const manager = memory()
        const session = manager.new()
        await session.set('user', 'ann')
        const id = await session.id()
        await session.close()
        const server = await start(async ({ session, socket }, response) => {
          const closed = new Promise(resolve => response.once('close', resolve))
          socket.destroy()
          await closed
          await session.set('after', true)
          endings[ending]?.(response)
        }, manager)

        await expect(
          goAway(server, '/', { headers: { cookie: `${name}=${id}` } }),
        ).rejects.toThrow()
        await stored(manager, id, { user: 'ann', after: true })
      },
    )

    it('saves what was set by a handler that never comes to an end', async () => {
      const storage = new StorageMemory()
      const server = await start(({ session, socket }) => {
        void session.set('user', 'ann')
        socket.destroy()
      }, new Manager({ storage }))

      await expect(goAway(server)).rejects.toThrow()
      await eventually(() => expect(storage.size).toBe(1))
    })

    it('survives it while a save is under way', async () => {
      let proceedWith: (() => void) | undefined
      const storage = interceptStorage(async (verb, proceed) => {
        if (verb === 'create') {
          await new Promise<void>(resolve => {
            proceedWith = resolve
          })
        }
        return proceed()
      })
      const server = await start(async ({ session, socket }, response) => {
        await session.set('user', 'ann')
        response.end('x'.repeat(100_000))
        socket.destroy()
      }, new Manager({ storage }))

      await expect(goAway(server)).rejects.toThrow()
      proceedWith?.()
      await eventually(() => expect(storage.size).toBe(1))
      expect(stderr).not.toHaveBeenCalled()
    })
  })

  if (!isHttp2Kind(kind)) {
    it('keeps the status message', async () => {
      const server = await start(async ({ session }, response) => {
        await session.set('user', 'ann')
        response.writeHead(200, 'Splendid', { 'X-Own': 'yes' }).end()
      })
      expect((await ask(server)).headers['x-own']).toBe('yes')
    })
  }
})
