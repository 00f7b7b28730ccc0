import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FrameworkServer, START_TIMEOUT, startServer, whyNot } from './servers.ts'
import { Visitor } from './visitor.ts'

const reason = whyNot('React Router')

describe.skipIf(reason)(`a session in React Router (${reason ?? 'a real server'})`, () => {
  let server: FrameworkServer
  beforeAll(async () => {
    server = await startServer('React Router')
  }, START_TIMEOUT)
  afterAll(() => server?.close())

  it('is that of the requests too which its client makes for data', async () => {
    const visitor = new Visitor(server)
    expect((await visitor.get('/_.data')).text).toContain('stranger')
    const answer = await visitor.send('POST', '/login.data', { user: 'ann' })
    expect(answer).toMatchObject({
      status: 202,
      text: expect.stringContaining('"redirect","/"'),
    })
    expect(answer.setCookies).toEqual([expect.stringMatching(/^sid=[\w-]{22,};/)])
    const page = await visitor.get('/_.data')
    expect(page).toMatchObject({
      status: 200,
      setCookies: [],
      text: expect.stringContaining('ann'),
    })
  })

  it('is an error for its client while the storage is down', async () => {
    const visitor = await Visitor.loggedIn(server)
    const answer = await server.withoutStorage(() => visitor.get('/_.data'))
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('stranger')
  })
})
