import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Manager, type Storage, StorageMemory } from 'gsession'
import session from 'gsession/fastify'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { ERROR_PAGE } from './adapter.ts'
import { answerErrors, listenWith, makeFastify } from './apps/fastify.ts'

/** Long enough to be compressed. */
const TEXT = 'a long text '.repeat(1000)

/** What each route answers, after it has noted its path in the session. */
const ANSWERS: Readonly<Record<string, (reply: FastifyReply) => unknown>> = {
  '/text': () => TEXT,
  '/json': () => ({ text: TEXT }),
  '/stream': reply => reply.type('text/plain').send(Readable.from([TEXT.slice(6000), TEXT])),
  '/web': reply => reply.type('text/plain').send(new Response(TEXT).body),
}
const BODIES: Readonly<Record<string, string>> = {
  '/json': JSON.stringify({ text: TEXT }),
  '/stream': TEXT.slice(6000) + TEXT,
}

describe.each(['before', 'after'])('beside Fastify plugins registered %s the session', place => {
  async function start(
    storage: Storage = new StorageMemory(),
    define: (app: FastifyInstance) => void = () => undefined,
  ): Promise<TestServer> {
    const app = makeFastify('http')
    if (place === 'after') await app.register(session, { manager: new Manager({ storage }) })
    await app.register(cookie, { secret: 'the secret of the plugin' })
    await app.register(compress)
    if (place === 'before') await app.register(session, { manager: new Manager({ storage }) })
    answerErrors(app)
    app.get('/data', async request => request.session.data())
    app.get('/cookies', async (request, reply) => {
      await request.session.set('cookies', true)
      const { signed = '', plain = 'none' } = request.cookies
      reply.setCookie('plain', 'a b', { path: '/' })
      reply.setCookie('signed', 'c', { path: '/', signed: true, httpOnly: true })
      return `${plain}, ${request.unsignCookie(signed).value}`
    })
    for (const [path, answer] of Object.entries(ANSWERS)) {
      app.get(path, async (request, reply) => {
        await request.session.set(path, true)
        return answer(reply)
      })
    }
    define(app)
    return listenWith('http', app)
  }

  it.each(Object.keys(ANSWERS))(
    'saves before the head of %s, and its body is whole',
    async path => {
      const { storage, written } = delayWrites(50)
      const server = await start(storage)
      let writtenAtHead = 0
      const answer = await ask(server, path, {
        headers: { 'accept-encoding': 'gzip' },
        onHead: () => {
          writtenAtHead = written()
        },
      })
      expect([answer.status, writtenAtHead]).toEqual([200, 1])
      expect(answer.headers['content-encoding']).toBe('gzip')
      expect(answer.headers['vary']).toMatch(/cookie/i)
      expect(answer.headers['vary']).toMatch(/accept-encoding/i)
      expect(gunzipSync(answer.body).toString()).toBe(BODIES[path] ?? TEXT)
      expect(await seen(server, answer)).toEqual([path])
    },
  )

  it.each(Object.keys(ANSWERS))('answers HEAD for %s, and saves', async path => {
    const server = await start(delayWrites(50).storage)
    const answer = await ask(server, path, { method: 'HEAD' })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(await seen(server, answer)).toEqual([path])
  })

  it('keeps the etag of the application, and its 304', async () => {
    const server = await start(delayWrites(50).storage, app => {
      app.get('/etag', async (request, reply) => {
        await request.session.set('/etag', true)
        reply.header('etag', '"1"')
        if (request.headers['if-none-match'] === '"1"') return reply.code(304).send()
        return TEXT
      })
    })
    expect((await ask(server, '/etag')).headers['etag']).toBe('"1"')
    const answer = await ask(server, '/etag', { headers: { 'if-none-match': '"1"' } })
    expect([answer.status, answer.text, answer.headers['etag']]).toEqual([304, '', '"1"'])
    expect(await seen(server, answer)).toEqual(['/etag'])
  })

  it('leaves the cookies of the application as they are, and sets one of its own', async () => {
    const browser = new Browser(await start())
    const first = await browser.ask('/cookies')
    expect([first.text, first.setCookies.length]).toEqual(['none, null', 3])
    expect(sessionCookies(first)).toHaveLength(1)
    const second = await browser.ask('/cookies')
    expect([second.text, second.setCookies.length]).toEqual(['a b, c', 2])
  })

  it('answers an error page that can be read when the save fails', async () => {
    const { storage, failWith } = failOnDemand()
    const server = await start(storage)
    failWith(new Error('down'))
    for (const path of Object.keys(ANSWERS)) {
      const answer = await ask(server, path, { headers: { 'accept-encoding': 'gzip' } })
      expect([answer.status, readable(answer)], path).toEqual([500, ERROR_PAGE])
    }
  })

  it('answers one too when what fails is what a later hook has changed', async () => {
    const { storage, failWith } = failOnDemand()
    const server = await start(storage, app => {
      app.get('/late', {
        onSend: async request => {
          await request.session.set('late', true)
        },
        handler: async () => TEXT,
      })
    })
    failWith(new Error('down'))
    const answer = await ask(server, '/late', { headers: { 'accept-encoding': 'gzip' } })
    expect([answer.status, readable(answer)]).toEqual([500, ERROR_PAGE])
  })
})

async function seen(server: TestServer, answer: Answer): Promise<string[]> {
  return Object.keys(JSON.parse((await askAs(cookieFrom(answer), server, '/data')).text))
}

/** The text of an answer, as a client reads it that goes by the headers. */
function readable({ headers, body }: Answer): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
}
