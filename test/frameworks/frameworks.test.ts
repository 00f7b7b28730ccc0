import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  FRAMEWORK_NAMES,
  type FrameworkServer,
  START_TIMEOUT,
  startServer,
  storedIn,
  whyNot,
} from './servers.ts'
import { type PageAnswer, Visitor } from './visitor.ts'

for (const name of FRAMEWORK_NAMES) {
  const reason = whyNot(name)
  describe.skipIf(reason)(`a session in ${name} (${reason ?? 'a real server'})`, () => {
    let server: FrameworkServer
    let id: RegExp
    beforeAll(async () => {
      server = await startServer(name)
      id = new RegExp(`^${server.cookie}=[\\w-]{22,};.* HttpOnly; SameSite=Lax$`)
    }, START_TIMEOUT)
    afterAll(() => server?.close())

    it('sets no cookie while nothing is stored', async () => {
      expect(await new Visitor(server).get('/')).toMatchObject(greeting('stranger'))
    })

    it('sets one cookie at the login, on the redirect', async () => {
      const answer = await new Visitor(server).send('POST', '/login', { user: 'ann' })
      expectRedirect(answer)
      expect(answer.setCookies).toEqual([expect.stringMatching(id)])
    })

    it('knows the user in the next request, and nobody else', async () => {
      const visitor = await Visitor.loggedIn(server)
      expect(await visitor.get('/')).toMatchObject(greeting('ann'))
      expect(await new Visitor(server).get('/')).toMatchObject(greeting('stranger'))
    })

    it('has a new id after another login, and nothing under the old one', async () => {
      const visitor = await Visitor.loggedIn(server)
      const old = await visitor.id()
      expect(await storedIn(server, old)).toEqual({ user: 'ann' })
      const answer = await visitor.send('POST', '/login', { user: 'bob' })
      expect(answer.setCookies).toEqual([expect.stringMatching(id)])
      expect(await visitor.id()).not.toBe(old)
      expect(await storedIn(server, old)).toEqual({})
      expect(await visitor.get('/')).toMatchObject(greeting('bob'))
    })

    it('keeps what two requests at the same time write', async () => {
      const visitor = await Visitor.loggedIn(server)
      for (const theme of ['light', 'dark', 'none']) {
        const language = `for-${theme}`
        const answers = await Promise.all([
          visitor.send('PUT', '/theme', { theme }),
          visitor.send('PUT', '/language', { language }),
        ])
        expect(answers.map(({ status }) => status)).toEqual([204, 204])
        expect(await storedIn(server, await visitor.id())).toEqual({
          user: 'ann',
          theme: `theme=${theme}`,
          language: `language=for-${theme}`,
        })
      }
    })

    it('expires the cookie at the logout, and is gone', async () => {
      const visitor = await Visitor.loggedIn(server)
      const old = await visitor.id()
      const answer = await visitor.send('POST', '/logout', {})
      expectRedirect(answer)
      expect(answer.setCookies).toEqual([expect.stringContaining('Max-Age=0')])
      expect(await visitor.id()).toBeUndefined()
      expect(await storedIn(server, old)).toEqual({})
      expect(await visitor.get('/')).toMatchObject(greeting('stranger'))
    })

    it('is an error of the framework while the storage is down, never a stranger', async () => {
      const visitor = await Visitor.loggedIn(server)
      const answers = await server.withoutStorage(() =>
        Promise.all([
          visitor.get('/'),
          visitor.send('PUT', '/theme', { theme: 'dark' }),
          new Visitor(server).send('POST', '/login', { user: 'bob' }),
        ]),
      )
      for (const answer of answers) {
        // Of these, Elysia alone answers with the status that an error has.
        const status = name.startsWith('Elysia') ? 503 : 500
        expect(answer).toMatchObject({ status, setCookies: [] })
        expect(answer.text).not.toContain('stranger')
      }
      expect(await visitor.get('/')).toMatchObject(greeting('ann'))
    })
  })
}

function greeting(user: string) {
  return { status: 200, setCookies: [], text: expect.stringContaining(`Hello, ${user}`) }
}

function expectRedirect({ status, location }: PageAnswer): void {
  expect([302, 303]).toContain(status)
  expect(new URL(location ?? '', 'http://localhost').pathname).toBe('/')
}
