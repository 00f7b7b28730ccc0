import { currentSession } from 'gsession'
import { type FetchSessionOptions, session } from 'gsession/fetch'
import { describe, expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'
import { serveFetch } from './apps/serve-fetch.ts'
import { dataOf, newManager, start } from './fetch-lab.ts'

describe('a response', () => {
  it('that is thrown tells the id, and stays thrown', async () => {
    const handler = session(newManager())(async (_, session) => {
      await session.set('user', 'ann')
      throw new Response(null, { status: 302, headers: { Location: '/get' } })
    })
    const thrown = await handler(new Request('http://localhost/')).catch(error => error)
    expect(thrown).toBeInstanceOf(Response)
    expect([thrown.status, thrown.headers.get('location')]).toEqual([302, '/get'])
    expect(thrown.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=[\w-]{43};/)])
  })

  it.each([
    ['returned', (answer: Response) => answer],
    [
      'thrown',
      (answer: Response) => {
        throw answer
      },
    ],
  ])('that is %s redirects from a login to a page on which one is logged in', async (_, give) => {
    const server = await start(async (request, session) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/visit') await session.set('seen', true)
      if (pathname !== '/login') return new Response('seen')
      await session.regenerateId()
      await session.set('user', 'ann')
      // What `redirect` of React Router makes.
      return give(new Response(null, { status: 302, headers: { Location: '/get' } }))
    })
    const visit = await ask(server, '/visit')
    const login = await askAs(cookieFrom(visit), server, '/login', { method: 'POST' })
    expect([login.status, login.headers['location']]).toEqual([302, '/get'])
    expect(cookieFrom(login)).not.toBe(cookieFrom(visit))
    expect(await dataOf(server, login)).toEqual({ seen: true, user: 'ann' })
    expect(await dataOf(server, visit)).toEqual({})
  })

  it('that is thrown after a logout takes the cookie away', async () => {
    const server = await start(async (request, session) => {
      if (new URL(request.url).pathname === '/login') await session.set('user', 'ann')
      else await session.removeAll()
      throw new Response(null, { status: 302, headers: { Location: '/get' } })
    })
    const login = await ask(server, '/login')
    const logout = await askAs(cookieFrom(login), server, '/logout')
    expect(logout.setCookies).toEqual([expect.stringMatching(/^sid=;.*Max-Age=0/)])
    expect(await dataOf(server, login)).toEqual({})
  })

  it('that onError throws is an answer too: it tells the id, and stays thrown', async () => {
    const handler = session(newManager(), {
      onError() {
        throw new Response(null, { status: 302, headers: { Location: '/oops' } })
      },
    })(async (_, session) => {
      await session.set('user', 'ann')
      throw new Error('oops')
    })
    const thrown = await handler(new Request('http://localhost/')).catch(error => error)
    expect(thrown).toBeInstanceOf(Response)
    expect([thrown.status, thrown.headers.get('location')]).toEqual([302, '/oops'])
    expect(thrown.headers.getSetCookie()).toEqual([expect.stringMatching(/^sid=[\w-]{43};/)])
  })

  it('that is thrown is an answer whichever implementation it is of', async () => {
    const failures: unknown[] = []
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        // The server has put another Response in place of node's, of which this is none.
        const own = await fetch('data:,moved')
        expect(own).not.toBeInstanceOf(Response)
        throw own
      },
      newManager(),
      {
        onError(error) {
          failures.push(error)
          return new Response('our page', { status: 500 })
        },
      },
    )
    const answer = await ask(server)
    expect([answer.text, failures]).toEqual(['moved', []])
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it('that is thrown is not sent when the save fails', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error('down'))
    const errors: unknown[] = []
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        throw Response.redirect('http://localhost/get', 302)
      },
      newManager({ storage }),
      {
        onError(error) {
          errors.push(error)
          return new Response('our page', { status: 503 })
        },
      },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([503, 'our page'])
    expect(answer.headers).not.toHaveProperty('location')
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
  })

  it('of Response.redirect() tells the id', async () => {
    const server = await start(async (_, session) => {
      await session.set('user', 'ann')
      return Response.redirect('http://localhost/get', 303)
    })
    const answer = await ask(server)
    expect([answer.status, answer.headers['location']]).toEqual([303, 'http://localhost/get'])
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it('of another server tells the id beside its own cookies', async () => {
    const origin = await serveFetch('http', async () => {
      return new Response('from afar', { headers: { 'Set-Cookie': 'far=1' } })
    })
    const server = await start(async (_, session) => {
      await session.set('user', 'ann')
      return fetch(`http://127.0.0.1:${origin.port}/`)
    })
    const answer = await ask(server)
    expect([answer.text, answer.setCookies.length]).toEqual(['from afar', 2])
    expect(answer.setCookies).toContain('far=1')
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it('that is handed out again and again tells nobody the id of another one', async () => {
    const constant = new Response(null, { status: 202 })
    const server = await start(async (request, session) => {
      const user = new URL(request.url).searchParams.get('user')
      if (user !== null) await session.set('user', user)
      return constant
    })
    const ann = await ask(server, '/?user=ann')
    expect(await dataOf(server, ann)).toEqual({ user: 'ann' })
    expect((await ask(server)).setCookies).toEqual([])
    expect(await dataOf(server, await ask(server, '/?user=bob'))).toEqual({ user: 'bob' })
    expect(constant.headers.getSetCookie()).toEqual([])
  })

  it('is handed on as it is when the session was not used', async () => {
    const own = new Response('own')
    const handler = session(newManager())(() => own)
    expect(await handler(new Request('http://localhost/'))).toBe(own)
  })

  it('without a head to tell the id in begins no session', async () => {
    const { storage, calls } = countCalls()
    const handler = session(newManager({ storage }))(async (_, session) => {
      await session.set('user', 'ann')
      return Response.error()
    })
    const answer = handler(new Request('http://localhost/'))
    await expect(answer).rejects.toMatchObject({ code: 'ERR_HEADERS_SENT' })
    expect(calls).toEqual([])
  })

  it('is what a handler with a session must return', async () => {
    const handler = session(newManager())(async (_, session) => {
      await session.get('user')
      return { user: 'ann' } as never
    })
    const answer = handler(new Request('http://localhost/'))
    await expect(answer).rejects.toThrow('Expected a Response from the handler')
  })
})

describe('a handler', () => {
  it('gets what the framework hands on besides, in its types too', async () => {
    const handler = session(newManager())(
      async (request, session, context: { params: { id: string } }, last: number) => {
        await session.set('id', context.params.id)
        return Response.json([request.method, await session.get('id'), last])
      },
    )
    const request = new Request('http://localhost/', { method: 'PUT' })
    const answer = await handler(request, { params: { id: 'a1' } }, 7)
    expect(await answer.json()).toEqual(['PUT', 'a1', 7])
  })

  it('that throws is answered by the framework, with what was set saved', async () => {
    const { storage, calls } = countCalls()
    const server = await start(async (_, session) => {
      await session.set('user', 'ann')
      throw new Error('oops')
    }, newManager({ storage }))
    const answer = await ask(server)
    expect([answer.status, answer.text, answer.setCookies]).toEqual([500, 'the framework', []])
    expect(calls).toEqual(['create'])
  })

  it('that throws can be answered by onError, which gets the request and tells the id', async () => {
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        throw new Error('oops')
      },
      newManager(),
      {
        onError: (error, request) =>
          new Response(`${String(error)} at ${new URL(request.url).pathname}`, { status: 500 }),
      },
    )
    const answer = await ask(server, '/here')
    expect([answer.status, answer.text]).toEqual([500, 'Error: oops at /here'])
    expect(await dataOf(server, answer)).toEqual({ user: 'ann' })
  })

  it('whose save fails, and whose onError throws, is answered by the framework', async () => {
    const { storage, failWith } = failOnDemand()
    const failures: Error[] = []
    failWith(new Error('down'))
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        return new Response('a success')
      },
      newManager({ storage, onBackgroundError: error => failures.push(error) }),
      {
        onError(error) {
          throw error
        },
      },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text, answer.setCookies]).toEqual([500, 'the framework', []])
    expect(failures).toEqual([])
  })

  it.each([
    ['that throws', true],
    ['whose save fails', false],
  ])('%s finds its session in onError by currentSession, with asyncContext', async (_, throws) => {
    const { storage, failWith } = failOnDemand()
    if (!throws) failWith(new Error('down'), 'create')
    const found: unknown[] = []
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        found.push(session)
        if (throws) throw new Error('oops')
        return new Response('fine')
      },
      newManager({ storage }),
      {
        asyncContext: true,
        async onError() {
          await new Promise(resolve => setImmediate(resolve))
          found.push(currentSession())
          return new Response('our page', { status: 500 })
        },
      },
    )
    expect((await ask(server)).text).toBe('our page')
    expect(found).toHaveLength(2)
    expect(found[1]).toBe(found[0])
  })

  it('must have an onError that is a function', () => {
    const options = { onError: 'log' } as unknown as FetchSessionOptions
    expect(() => session(newManager(), options)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION' }),
    )
  })
})
