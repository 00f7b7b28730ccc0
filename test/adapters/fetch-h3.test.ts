import { Manager, type Session, StorageMemory } from 'gsession'
import { session } from 'gsession/fetch'
import { H3, type H3Event, toNodeHandler, toResponse } from 'h3/node'
import { expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { listen } from '../helpers/http-servers.ts'

it('is a middleware of h3, whose handlers then return what they like', async () => {
  const withSession = session(new Manager({ storage: new StorageMemory() }))
  const app = new H3()
  app.use((event, next) =>
    withSession(async (_, session) => {
      event.context['gsession'] = session
      return toResponse(await next(), event)
    })(event.req as Request),
  )
  const sessionOf = (event: H3Event) => event.context['gsession'] as Session
  app.get('/login', async event => {
    await sessionOf(event).set('user', 'ann')
    event.res.headers.set('X-Own', 'yes')
    return { ok: true }
  })
  app.get('/get', event => sessionOf(event).data())
  const server = await listen('http', toNodeHandler(app) as never)
  const answer = await ask(server, '/login')
  expect([answer.text, answer.headers['x-own']]).toEqual(['{"ok":true}', 'yes'])
  const got = await askAs(cookieFrom(answer), server, '/get')
  expect([got.text, got.setCookies]).toEqual(['{"user":"ann"}', []])
})
