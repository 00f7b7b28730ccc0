import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildDemo, endDemos, startDemo } from '../helpers/demo-process.ts'
import { type RedisServer, startServer } from './servers/index.ts'

let server: RedisServer

beforeAll(async () => {
  buildDemo()
  server = await startServer({ password: 'secret' })
})
afterEach(endDemos)
afterAll(() => server.close())

describe.each(['redis', 'redis+hash'])('the demo on %s', scheme => {
  it('keeps the session in Redis, over a restart of the program', async () => {
    const url = `${scheme}://:secret@${server.host}:${server.port}/0?prefix=${scheme}:`
    const first = await startDemo({ SESSION_STORAGE: url })
    expect(first.line).toContain(`sessions are kept in ${scheme}:`)
    expect(first.line).not.toContain('secret')
    const { headers } = await fetch(`${first.url}/set`)
    const cookie = headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
    await first.end('SIGTERM')

    const second = await startDemo({ SESSION_STORAGE: url })
    const answer = await fetch(`${second.url}/get`, { headers: { cookie } })
    expect(await answer.text()).toMatch(/^\{"time":\d+\}$/)

    await fetch(`${second.url}/del`, { headers: { cookie } })
    expect(await server.call('KEYS', `${scheme}:*`)).toEqual([])
  })
})
