import { Readable } from 'node:stream'
import { Manager, type Storage, StorageMemory } from 'gsession'
import session from 'gsession/fastify'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { ERROR_PAGE } from './adapter.ts'
import { answerErrors, listenWith, makeFastify, serveFastify } from './apps/fastify.ts'

describe('Fastify answering', () => {
  it.each([
    ['a stream of node', () => Readable.from(['a', 'b'])],
    ['a stream of the web', () => new Response('ab').body],
    ['a Response', () => new Response('ab', { headers: { 'x-own': 'yes' } })],
    ['a Buffer', () => Buffer.from('ab')],
  ])('saves before the head of %s', async (_, makeBody) => {
    const { storage, written } = delayWrites(50)
    const server = await serveFastify(app => {
      app.get('/', async (request, reply) => {
        await request.session.set('user', 'ann')
        return reply.send(makeBody())
      })
    }, storage)
    let writtenAtHead = 0
    const answer = await ask(server, '/', {
      onHead: () => {
        writtenAtHead = written()
      },
    })
    expect([answer.text, writtenAtHead]).toEqual(['ab', 1])
    expect((await askAs(cookieFrom(answer), server, '/user')).text).toBe('ann')
  })

  it('answers with the error handler when a stream changes what cannot be saved, before the head', async () => {
    const { storage, failWith } = failOnDemand()
    const server = await serveFastify(app => {
      answerErrors(app)
      app.get('/', (request, reply) => {
        async function* body() {
          await request.session.set('user', 'ann')
          yield 'a success'
        }
        reply.send(Readable.from(body()))
      })
    }, storage)
    failWith(new Error('down'))
    const { status, text } = await ask(server)
    expect([status, text]).toEqual([500, ERROR_PAGE])
  })

  it('cuts a stream off that changed what cannot be saved, after the head', async () => {
    const { storage, failWith } = failOnDemand()
    const server = await serveFastify(app => {
      app.get('/login', async request => request.session.set('user', 'ann'))
      app.get('/', (request, reply) => {
        async function* body() {
          yield 'half'
          failWith(new Error('down'))
          await request.session.set('user', 'eve')
        }
        reply.send(Readable.from(body()))
      })
    }, storage)
    const cookie = cookieFrom(await ask(server, '/login'))
    await expect(askAs(cookie, server, '/')).rejects.toThrow(/aborted/)
  })

  it('saves before the head of a raw answer, or answers with 500', async () => {
    const { storage, failWith } = failOnDemand(delayWrites(50).storage)
    const server = await serveFastify(app => {
      app.get('/', async (request, reply) => {
        await request.session.set('user', 'ann')
        reply.hijack()
        reply.raw.writeHead(201, { 'x-own': 'yes' })
        reply.raw.end('raw')
      })
    }, storage)
    const answer = await ask(server)
    expect([answer.status, answer.text, answer.headers['x-own']]).toEqual([201, 'raw', 'yes'])
    expect((await askAs(cookieFrom(answer), server, '/user')).text).toBe('ann')
    failWith(new Error('down'))
    const failed = await ask(server)
    expect([failed.status, failed.text, failed.setCookies]).toEqual([500, '', []])
  })

  it('works with inject, which has no socket', async () => {
    const app = makeFastify('http')
    app.register(session, { manager: new Manager({ storage: new StorageMemory() }) })
    app.get('/count', async request => request.session.update('n', n => Number(n ?? 0) + 1))
    const first = await app.inject('/count')
    const [cookie = { name: '', value: '' }, ...others] = first.cookies
    expect([cookie.name, others]).toEqual(['sid', []])
    const cookies = { [cookie.name]: cookie.value }
    const second = await app.inject({ path: '/count', cookies })
    expect([first.body, second.body, second.cookies]).toEqual(['1', '2', []])
  })

  it('leaves the cookies of the application as they are, with inject too, which has set and removed a header', async () => {
    const app = makeFastify('http')
    app.register(session, { manager: new Manager({ storage: new StorageMemory() }) })
    const own = Object.freeze({ 'Set-Cookie': Object.freeze(['a=1']) })
    app.get('/raw', async (request, reply) => {
      await request.session.update('n', () => 1)
      reply.hijack()
      reply.raw.writeHead(200, own as never).end('one')
    })
    for (let visitor = 0; visitor < 3; visitor++) {
      const { cookies } = await app.inject('/raw')
      expect(cookies.map(({ name }) => name)).toEqual(['a', 'sid'])
    }
  })

  describe.each(['before', 'after'])('with a hook of the application registered %s it', when => {
    async function startWithHook(storage: Storage) {
      const app = makeFastify('http')
      const manager = new Manager({ storage })
      if (when === 'after') await app.register(session, { manager })
      app.addHook('onSend', async (request, _reply, payload) => {
        await request.session.set('seen', true)
        return `${payload}, seen`
      })
      if (when === 'before') await app.register(session, { manager })
      app.get('/', async request => JSON.stringify(await request.session.data()))
      answerErrors(app)
      return listenWith('http', app)
    }

    it('saves what the hook changed as the answer was sent, before the head', async () => {
      const { storage, written } = delayWrites(50)
      const server = await startWithHook(storage)
      let writtenAtHead = 0
      const answer = await ask(server, '/', {
        onHead: () => {
          writtenAtHead = written()
        },
      })
      expect([answer.text, writtenAtHead]).toEqual(['{}, seen', 1])
      expect((await askAs(cookieFrom(answer), server, '/')).text).toBe('{"seen":true}, seen')
    })

    it('answers with the error handler when that cannot be saved', async () => {
      const { storage, failWith } = failOnDemand()
      const server = await startWithHook(storage)
      failWith(new Error('down'))
      const { status, text } = await ask(server)
      expect([status, text]).toEqual([500, `${ERROR_PAGE}, seen`])
    })
  })

  it.each([
    ['does not return the reply', () => undefined],
    [
      'then throws',
      () => {
        throw new Error('too late')
      },
    ],
  ])('answers once when an asynchronous handler sends and %s', async (_, afterwards) => {
    const told: unknown[] = []
    const server = await serveFastify(app => {
      app.setErrorHandler((error, _request, reply) => {
        told.push(error)
        reply.code(500).send(ERROR_PAGE)
      })
      app.addHook('onSend', async (_request, _reply, payload) => {
        told.push(payload)
      })
      app.get('/', async (request, reply) => {
        await request.session.set('user', 'ann')
        reply.send('sent')
        afterwards()
      })
    }, delayWrites(50).storage)
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([200, 'sent'])
    expect(told).toEqual(['sent'])
    expect((await askAs(cookieFrom(answer), server, '/user')).text).toBe('ann')
  })

  it('hands a header that cannot be sent to the error handler', async () => {
    const server = await serveFastify(app => {
      app.setErrorHandler(async (error, _request, reply) => {
        reply.removeHeader('x-own').code(500)
        return `${(error as { code?: string }).code}`
      })
      app.get('/', async (request, reply) => {
        await request.session.set('user', 'ann')
        reply.header('x-own', 'two\nlines')
        return 'sent'
      })
    })
    const { status, text } = await ask(server)
    expect([status, text]).toEqual([500, 'ERR_INVALID_CHAR'])
  })

  it('saves before a redirect leaves', async () => {
    const server = await serveFastify(app => {
      app.get('/login', async (request, reply) => {
        await request.session.set('user', 'ann')
        return reply.redirect('/user', 303)
      })
    }, delayWrites(50).storage)
    const browser = new Browser(server)
    const { status, headers } = await browser.ask('/login')
    expect([status, headers['location']]).toEqual([303, '/user'])
    expect((await browser.ask('/user')).text).toBe('ann')
  })
})
