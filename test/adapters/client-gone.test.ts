import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express from 'express'
import express4 from 'express-4'
import fastify from 'fastify'
import { Manager, newSessionId, type Session, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import fastifySession from 'gsession/fastify'
import { session as koaSession } from 'gsession/koa'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'
import { atEnd } from '../helpers/at-end.ts'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAndLeave } from '../helpers/http-client.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'

allowNoUnhandledRejections()

/** What a handler does once nobody hears its answer any more. */
type Late = (session: Session) => unknown
type Serve = (manager: Manager, late: Late) => Promise<TestServer>

// biome-ignore lint/correctness/useYield: it fails at once
async function* brokenOff(): AsyncGenerator<string> {
  throw new Error('the source failed')
}

const expressOf =
  (create: typeof express): Serve =>
  (manager, late) => {
    const app = create()
    app.use(session(manager))
    app.get('/pipeline', async (request, response) => {
      response.write('begun')
      await pipeline(Readable.from(brokenOff()), response).catch(() => undefined)
      late(request.session)
    })
    app.get('/gone', (request, response) => {
      response.write('begun')
      response.once('close', () => void setImmediate(() => late(request.session)))
    })
    return listenOn('http', createServer(app))
  }

const SERVERS: Readonly<Record<string, Serve>> = {
  'Express 5': expressOf(express),
  'Express 4': expressOf(express4),
  async 'Fastify, hijacked'(manager, late) {
    const app = fastify()
    await app.register(fastifySession, { manager: manager as unknown as Manager })
    app.get('/pipeline', async (request, reply) => {
      reply.hijack()
      reply.raw.write('begun')
      await pipeline(Readable.from(brokenOff()), reply.raw).catch(() => undefined)
      late(request.session)
    })
    app.get('/gone', (request, reply) => {
      reply.hijack()
      reply.raw.write('begun')
      reply.raw.once('close', () => void setImmediate(() => late(request.session)))
    })
    await app.ready()
    atEnd(() => app.close())
    return listenOn('http', app.server)
  },
  'Koa, without its answer'(manager, late) {
    const app = new Koa()
    app.use(koaSession(manager))
    app.use(async (context, next) => {
      if (!['/pipeline', '/gone'].includes(context.path)) return next()
      context.respond = false
      context.res.write('begun')
      if (context.path === '/pipeline') {
        await pipeline(Readable.from(brokenOff()), context.res).catch(() => undefined)
        late(context['session'])
      } else {
        context.res.once('close', () => void setImmediate(() => late(context['session'])))
      }
    })
    return listenOn('http', createServer(app.callback()))
  },
}

async function leave(server: TestServer, path: string): Promise<void> {
  if (path === '/pipeline') await ask(server, path).catch(() => undefined)
  else {
    const goAway = askAndLeave(server, path)
    await ask(server, '/else').catch(() => undefined)
    goAway()
  }
}

describe.each(Object.entries(SERVERS))('a response that was cut off: %s', (_, serve) => {
  it.each(['/pipeline', '/gone'])('has what is set after it stored (%s)', async path => {
    const manager = new Manager({ storage: new StorageMemory() })
    const id = newSessionId()
    const begun = manager.new()
    begun.setId(id)
    await begun.set('before', 1)
    await begun.close()
    const server = await serve(manager, session => {
      session.setId(id)
      void session.set('late', 2)
    })
    await leave(server, path)
    await eventually(async () =>
      expect(await manager.new(id).data()).toEqual({ before: 1, late: 2 }),
    )
  })

  it.each(['/pipeline', '/gone'])('has failures after it reported (%s)', async path => {
    const { storage, failWith } = failOnDemand()
    const reported: unknown[] = []
    const manager = new Manager({ storage, onBackgroundError: error => reported.push(error) })
    const server = await serve(manager, session => {
      session.setId(newSessionId())
      failWith(new Error('down'))
      void session.set('late', 2)
    })
    await leave(server, path)
    await eventually(() => expect(reported).toHaveLength(1))
    expect(reported).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
  })
})
