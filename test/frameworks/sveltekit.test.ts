import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FrameworkServer, START_TIMEOUT, startServer, whyNot } from './servers.ts'

const reason = whyNot('SvelteKit')

describe.skipIf(reason)(`a session in SvelteKit (${reason ?? 'a real server'})`, () => {
  let server: FrameworkServer
  beforeAll(async () => {
    server = await startServer('SvelteKit')
  }, START_TIMEOUT)
  afterAll(() => server?.close())

  it('has the cookie of TLS where adapter-node is not told the protocol', async () => {
    const origin = server.url.replace('http:', 'https:')
    const body = new URLSearchParams({ user: 'ann' })
    const headers = { origin, accept: 'text/html' }
    const init = { method: 'POST', headers, body, redirect: 'manual' } as const
    const answer = await fetch(`${server.url}/login`, init)
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-Http-sid=[\w-]{22,};.* Secure;/),
    ])
  })

  it('is that of the requests too which its client makes for data and actions', async () => {
    const headers = { 'x-forwarded-proto': 'http', origin: server.url }
    const answer = await fetch(`${server.url}/login`, {
      method: 'POST',
      headers: { ...headers, 'x-sveltekit-action': 'true', accept: 'application/json' },
      body: new URLSearchParams({ user: 'ann' }),
    })
    expect(await answer.json()).toMatchObject({ type: 'redirect', location: '/' })
    const [cookie = ''] = answer.headers.getSetCookie()[0]?.split(';') ?? []
    const data = await fetch(`${server.url}/__data.json`, { headers: { ...headers, cookie } })
    expect(await data.text()).toContain('ann')
  })
})
