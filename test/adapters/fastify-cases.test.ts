import { currentSession, Manager, StorageMemory } from 'gsession'
import session, { type FastifySessionOptions } from 'gsession/fastify'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { sessionCookie, sessionCookies } from '../helpers/http-cookies.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'
import { listenWith, makeFastify, serveFastify } from './apps/fastify.ts'

describe('Fastify', () => {
  it('has the session in plugins of any depth, and in those that register after it', async () => {
    const server = await serveFastify(app => {
      app.register(async outer => {
        outer.register(async inner => {
          inner.get('/login', async request => {
            await request.session.set('user', 'ann')
            return 'in'
          })
        })
      })
    })
    const browser = new Browser(server)
    await browser.ask('/login')
    expect((await browser.ask('/user')).text).toBe('ann')
  })

  it('keeps to the context in which it was registered, with sessions of its own', async () => {
    const app = makeFastify('http')
    for (const name of ['shop', 'blog']) {
      app.register(async part => {
        await part.register(session, {
          manager: new Manager({ storage: new StorageMemory() }),
          name,
        })
        part.get(`/${name}`, async request => request.session.update('n', n => Number(n ?? 0) + 1))
      })
    }
    app.get('/none', async request => `${'session' in request}`)
    const browser = new Browser(await listenWith('http', app))
    const counts = []
    for (const path of ['/shop', '/shop', '/blog']) counts.push((await browser.ask(path)).text)
    expect(counts).toEqual(['1', '2', '1'])
    expect(Object.keys(await browser.cookies()).sort()).toEqual(['blog', 'shop'])
    expect((await browser.ask('/none')).text).toBe('false')
  })

  it('lets an asynchronous error handler read and change the session', async () => {
    const server = await serveFastify(app => {
      app.setErrorHandler(async (error, request, reply) => {
        const errors = await request.session.update('errors', n => Number(n ?? 0) + 1)
        return reply.code(418).send(`${errors} ${await request.session.get('user')} ${error}`)
      })
      app.get('/', async request => {
        await request.session.set('user', 'ann')
        throw new Error('oops')
      })
    })
    const browser = new Browser(server)
    for (const time of [1, 2]) {
      const { status, text } = await browser.ask('/')
      expect([status, text]).toEqual([418, `${time} ann Error: oops`])
    }
  })

  it("lets Fastify's own error handler answer 503, and say nothing of an id", async () => {
    const { storage, failWith } = failOnDemand()
    const server = await serveFastify(() => undefined, storage)
    failWith(new Error('down'))
    const id = 'x'.repeat(43)
    const answer = await askAs(`sid=${id}`, server, '/user')
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.text)).toMatchObject({ statusCode: 503, code: 'ERR_STORAGE' })
    expect(answer.text).not.toContain(id)
  })

  it('has the session in the handler of what is not found', async () => {
    const server = await serveFastify(app => {
      app.setNotFoundHandler(async (request, reply) => {
        reply.code(404)
        return request.session.update('lost', n => Number(n ?? 0) + 1)
      })
    })
    const browser = new Browser(server)
    const answers = [await browser.ask('/nowhere'), await browser.ask('/nowhere')]
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [404, '1'],
      [404, '2'],
    ])
  })

  it("leaves Fastify's own 404 alone", async () => {
    const { storage, calls } = countCalls()
    const server = await serveFastify(() => undefined, storage)
    const answer = await askAs(`sid=${'x'.repeat(43)}`, server, '/nowhere')
    expect([answer.status, answer.setCookies, calls]).toEqual([404, [], []])
  })

  it('leaves an upgrade alone', async () => {
    const { storage, calls } = countCalls()
    const server = await serveFastify(app => {
      const sockets = new WebSocketServer({ server: app.server })
      sockets.on('connection', socket => socket.on('message', data => socket.send(`${data}!`)))
      app.addHook('preClose', async () => {
        for (const socket of sockets.clients) socket.terminate()
      })
    }, storage)
    const headers = { cookie: `sid=${'x'.repeat(43)}` }
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/user`, { headers })
    socket.on('open', () => socket.send('hello'))
    const message = await new Promise((resolve, reject) => {
      socket.on('message', data => resolve(`${data}`)).on('error', reject)
    })
    socket.close()
    expect([message, calls]).toEqual(['hello!', []])
  })

  it('finds the current session wherever the request leads', async () => {
    const server = await serveFastify(
      app => {
        const user = () => currentSession().get('user', 'nobody')
        app.addHook('preHandler', async request => request.session.set('user', 'ann'))
        app.addHook('onSend', async (_request, reply) => {
          reply.header('x-on-send', await user())
        })
        app.setErrorHandler(async (_error, _request, reply) => {
          reply.code(400).header('x-on-error', await user())
          return 'an error'
        })
        app.post('/', async () => user())
      },
      undefined,
      { asyncContext: true },
    )
    const headers = { 'content-type': 'application/json' }
    const fine = await ask(server, '/', { method: 'POST', headers, body: '{"a":1}' })
    expect([fine.text, fine.headers['x-on-send']]).toEqual(['ann', 'ann'])
    const broken = await ask(server, '/', { method: 'POST', headers, body: '{"a":' })
    expect(broken.status).toBe(400)
    expect(broken.headers).toMatchObject({ 'x-on-error': 'nobody', 'x-on-send': 'nobody' })
  })

  it('sets one cookie when a session begins in one hook and is regenerated in another', async () => {
    const server = await serveFastify(app => {
      app.addHook('preHandler', async request => request.session.set('user', 'ann'))
      app.get('/', async request => request.session.regenerateId())
    })
    const answer = await ask(server)
    expect(sessionCookies(answer)).toHaveLength(1)
    expect(sessionCookie(answer).value).toBe(answer.text)
  })

  it.each([true, false])(
    'saves what was set before a request turned out not to fit its schema, if saveOnError is %s',
    async saveOnError => {
      const server = await serveFastify(
        app => {
          app.addHook('preValidation', async request => request.session.set('user', 'ann'))
          const querystring = { type: 'object', required: ['n'], properties: { n: {} } }
          app.get('/', { schema: { querystring } }, async () => 'fits')
        },
        undefined,
        { saveOnError },
      )
      const answer = await ask(server)
      expect([answer.status, sessionCookies(answer).length]).toEqual([400, saveOnError ? 1 : 0])
    },
  )

  it('refuses to be registered without a manager, or with a prefix', async () => {
    const without = makeFastify('http').register(session, {} as FastifySessionOptions)
    await expect(without).rejects.toMatchObject({ code: 'ERR_OPTION' })
    const options = { manager: new Manager({ storage: new StorageMemory() }) }
    const prefixed = makeFastify('http').register(session, { ...options, prefix: '/shop' })
    await expect(prefixed).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })
})
