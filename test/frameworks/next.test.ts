import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FrameworkServer, START_TIMEOUT, startServer, storedIn, whyNot } from './servers.ts'
import { Visitor } from './visitor.ts'

const reason = whyNot('Next.js')

describe.skipIf(reason)(`a session in Next.js (${reason ?? 'a real server'})`, () => {
  let server: FrameworkServer
  beforeAll(async () => {
    server = await startServer('Next.js')
  }, START_TIMEOUT)
  afterAll(() => server?.close())

  it('is read by a Server Component', async () => {
    const visitor = await Visitor.loggedIn(server)
    expect((await visitor.get('/account')).text).toContain('Hello, ann')
    expect((await new Visitor(server).get('/account')).text).toContain('Hello, stranger')
  })

  it('is begun by a Server Action, for Server Components and route handlers alike', async () => {
    const visitor = new Visitor(server)
    const answer = await visitor.submit('POST', '/account', await formOf(visitor, 'ann'))
    expect(answer).toMatchObject({ status: 303, location: '/account' })
    expect(answer.setCookies).toEqual([expect.stringMatching(/^app=[\w-]{22,};.*HttpOnly/i)])
    expect((await visitor.get('/account')).text).toContain('Hello, ann')
    expect((await visitor.get('/')).text).toBe('Hello, ann')
  })

  it('has another id after a Server Action that regenerates it', async () => {
    const visitor = await Visitor.loggedIn(server)
    const old = await visitor.id()
    await visitor.submit('POST', '/account', await formOf(visitor, 'bob'))
    expect(await storedIn(server, old)).toEqual({})
    expect((await visitor.get('/')).text).toBe('Hello, bob')
  })

  it('is no stranger to a Server Component while the storage is down', async () => {
    const visitor = await Visitor.loggedIn(server)
    const answer = await server.withoutStorage(() => visitor.get('/account'))
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('stranger')
  })

  it('is given to a route handler with the parameters of its route', async () => {
    const visitor = await Visitor.loggedIn(server)
    expect(JSON.parse((await visitor.get('/users/7')).text)).toEqual({ id: '7', user: 'ann' })
  })

  it('is saved when redirect() is thrown in a route handler, which tells no id', async () => {
    const visitor = await Visitor.loggedIn(server)
    expect(await visitor.send('POST', '/thrown', {})).toMatchObject({ status: 307, location: '/' })
    expect(await storedIn(server, await visitor.id())).toEqual({ user: 'ann', theme: 'thrown' })
    expect((await new Visitor(server).send('POST', '/thrown', {})).setCookies).toEqual([])
  })

  /** The form of the page, as a browser without JavaScript sends it. */
  async function formOf(visitor: Visitor, user: string): Promise<FormData> {
    const { text } = await visitor.get('/account')
    const form = new FormData()
    for (const [, name = '', value = ''] of text.matchAll(
      /<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g,
    )) {
      form.set(name, value)
    }
    form.set('user', user)
    return form
  }
})
