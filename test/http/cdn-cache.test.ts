import { Manager, StorageMemory } from 'gsession'
import { session as fetchSession } from 'gsession/fetch'
import { describe, expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'

const memory = (): Manager => new Manager({ storage: new StorageMemory() })

/** Fields that some caches obey in place of Cache-Control (RFC 9213), and those that came before it. */
const FIELDS = [
  'CDN-Cache-Control',
  'Cloudflare-CDN-Cache-Control',
  'Vercel-CDN-Cache-Control',
  'Netlify-CDN-Cache-Control',
  'Fastly-CDN-Cache-Control',
  'X-LiteSpeed-Cache-Control',
  'Surrogate-Control',
  'Fastly-Surrogate-Control',
  'Edge-Control',
]
const PUBLIC = 'public, max-age=600'

const WAYS: Readonly<Record<string, (field: string, value: string) => Handler>> = {
  setHeader: (field, value) => (_, response) => response.setHeader(field, value).end(),
  'writeHead with an object': (field, value) => (_, response) =>
    response.writeHead(200, { [field.toLowerCase()]: value }).end(),
  'writeHead with a list': (field, value) => (_, response) =>
    response.writeHead(200, [field, value]).end(),
}

describe.each(Object.entries(WAYS))('targeted cache fields given by %s', (_, way) => {
  const start = (field: string, value: string) =>
    serve('http', memory(), async (request, response) => {
      if (request.url === '/set') await request.session.set('user', 'ann')
      if (request.url === '/del') await request.session.removeAll()
      await way(field, value)(request, response)
    })

  it.each(FIELDS)('%s: no cache keeps a session cookie, given or removed', async field => {
    const server = await start(field, PUBLIC)
    const set = await ask(server, '/set')
    expect(set.headers[field.toLowerCase()]).toBe('no-store')
    const removal = await askAs(cookieFrom(set), server, '/del')
    expect(removal.headers[field.toLowerCase()]).toBe('no-store')
  })

  it.each(['private', 'no-store', 'max-age=60, private'])('%s is left alone', async value => {
    const { headers } = await ask(await start('CDN-Cache-Control', value), '/set')
    expect(headers['cdn-cache-control']).toBe(value)
  })

  it('X-Accel-Expires, which nginx obeys: 0', async () => {
    const server = await start('X-Accel-Expires', '600')
    expect((await ask(server, '/set')).headers['x-accel-expires']).toBe('0')
    expect((await ask(server)).headers['x-accel-expires']).toBe('600')
  })

  it('are left alone where no id is told', async () => {
    const { headers } = await ask(await start('CDN-Cache-Control', PUBLIC))
    expect(headers['cdn-cache-control']).toBe(PUBLIC)
  })
})

it('are no-store where an id is told in a header, or Cache-Control is private already', async () => {
  const server = await serve(
    'http',
    memory(),
    async ({ session }, response) => {
      await session.set('user', 'ann')
      response.setHeader('Cache-Control', 'private')
      response.setHeader('Surrogate-Control', 'max-age=600').end()
    },
    { header: 'X-Session' },
  )
  for (const headers of [{}, { 'x-session': '' }]) {
    const answer = await ask(server, '/', { headers })
    expect(answer.headers).toMatchObject({
      'cache-control': 'private',
      'surrogate-control': 'no-store',
    })
  }
})

it.each(FIELDS)(
  '%s of a Response is no-store too, and the Response stays as it was',
  async field => {
    const shared = new Response('ok', { headers: { [field]: PUBLIC } })
    const handler = fetchSession(memory())(async (_request, session) => {
      await session.set('user', 'ann')
      return shared
    })
    const answer = await handler(new Request('http://localhost/'))

    expect(answer.headers.get(field)).toBe('no-store')
    expect(shared.headers.get(field)).toBe(PUBLIC)
  },
)
