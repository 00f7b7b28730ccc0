import { EventEmitter } from 'node:events'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { finished, pipeline, Writable } from 'node:stream'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { All, Controller, type INestApplication, Req, Res } from '@nestjs/common'
import express from 'express'
import express4 from 'express-4'
import { currentSession, Manager, type Session } from 'gsession'
import { session as expressSession } from 'gsession/express'
import { session as honoSession } from 'gsession/hono'
import { session as koaSession } from 'gsession/koa'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAndLeave } from '../helpers/http-client.ts'
import { KINDS, listenOn, serve as serveNode, type TestServer } from '../helpers/http-servers.ts'
import { serveFastify } from './apps/fastify.ts'
import { KOA_VERSIONS, serverOf } from './apps/koa.ts'
import { decorate, decorateParameters, PLATFORMS, serveNest } from './apps/nest.ts'
import { serveFetch } from './apps/serve-fetch.ts'

/** What answers with the request and the response of Node, and ends the response. */
type Handle = (request: IncomingMessage, response: ServerResponse, session: Session) => void
type Serve = (handle: Handle, asyncContext: boolean) => Promise<TestServer>

const HOSTS: Record<string, Serve> = {}

for (const kind of KINDS) {
  HOSTS[`node:${kind}`] = (handle, asyncContext) =>
    serveNode(
      kind,
      new Manager(),
      (request, response) => handle(request, response, request.session),
      {
        asyncContext,
      },
    )
}
for (const [name, create] of Object.entries({ 'Express 5': express, 'Express 4': express4 })) {
  HOSTS[name] = (handle, asyncContext) => {
    const app = create()
    app.use(expressSession(new Manager(), { asyncContext }))
    app.use((request, response) => handle(request, response, request.session))
    return listenOn('http', createHttp(app))
  }
}
for (const [name, Koa] of Object.entries(KOA_VERSIONS)) {
  HOSTS[name] = (handle, asyncContext) => {
    const app = new Koa()
    app.use(koaSession(new Manager(), { asyncContext }))
    app.use(context => {
      context.respond = false
      handle(context.req, context.res, context.session)
    })
    return listenOn('http', serverOf('http', app))
  }
}
HOSTS['Fastify'] = (handle, asyncContext) =>
  serveFastify(
    app => {
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_request, _payload, done) => done(null))
      app.all('/', (request, reply) => {
        reply.hijack()
        handle(request.raw, reply.raw, request.session)
      })
    },
    undefined,
    { asyncContext },
  )
HOSTS['Hono'] = (handle, asyncContext) => {
  const app = new Hono<{ Bindings: { incoming: IncomingMessage; outgoing: ServerResponse } }>()
  app.use(honoSession(new Manager(), { asyncContext }))
  app.all('/', c => {
    handle(c.env.incoming, c.env.outgoing, (c.var as { session: Session }).session)
    return RESPONSE_ALREADY_SENT
  })
  return serveFetch('http', app.fetch as never)
}
for (const platform of PLATFORMS) {
  HOSTS[`Nest on ${platform}`] = (handle, asyncContext) => {
    class Routes {
      answer(request: { session: Session }, response: object): void {
        const raw = (of: object) => ('raw' in of ? of.raw : of)
        if ('hijack' in response) (response.hijack as () => void)()
        handle(raw(request) as IncomingMessage, raw(response) as ServerResponse, request.session)
      }
    }
    Controller()(Routes)
    decorate(Routes, 'answer', All('/'))
    decorateParameters(Routes, 'answer', Req(), Res())
    const app = { kind: 'http', manager: new Manager(), options: { asyncContext } } as const
    return serveNest(platform, app, [Routes], keepBody)
  }
}

/** Without parsers, which would have read the body before the handler. */
function keepBody(app: INestApplication): void {
  const fastify = app.getHttpAdapter().getInstance()
  if (typeof fastify.removeAllContentTypeParsers !== 'function') return
  const http = fastify as {
    addContentTypeParser(
      type: string,
      parse: (request: unknown, payload: unknown, done: (error: null) => void) => void,
    ): void
  }
  http.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
}

const POST = {
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream' },
  body: 'x'.repeat(100_000),
}
const hosts = Object.entries(HOSTS)

/** Notes what is the current session wherever it is called. */
function makeNotes() {
  const notes = new Map<string, boolean>()
  let expected: Session | undefined
  return {
    notes,
    expect(session: Session) {
      expected = session
    },
    note(what: string) {
      let found: unknown
      try {
        found = currentSession()
      } catch {}
      notes.set(what, found !== undefined && found === expected && notes.get(what) !== false)
    },
  }
}

describe.each(hosts)('with `asyncContext`, the current session over %s', (name, serve) => {
  it('is there in listeners of the request and the response, however they were added', async () => {
    const { notes, note, ...lab } = makeNotes()
    const server = await serve((request, response, session) => {
      lab.expect(session)
      for (const event of ['data', 'end', 'close']) {
        request.on(event, () => note(`request.on ${event}`))
        request.once(event, () => note(`request.once ${event}`))
        request.prependListener(event, () => note(`request.prepend ${event}`))
      }
      for (const event of ['finish', 'close']) {
        response.on(event, () => note(`response.on ${event}`))
        response.once(event, () => note(`response.once ${event}`))
        response.addListener(event, () => note(`response.add ${event}`))
      }
      finished(response, () => note('finished response'))
      request.on('end', () => {
        response.write('some', () => note('write callback'))
        response.end('thing', () => note('end callback'))
      })
    }, true)
    expect((await ask(server, '/', POST)).text).toBe('something')
    await eventually(() => expect(notes.has('response.on close')).toBe(true))
    await eventually(() => expect(notes.has('request.on close')).toBe(true))
    await eventually(() => expect(notes.has('finished response')).toBe(true))
    expect([...notes].filter(([, isThere]) => !isThere)).toEqual([])
    expect(notes.size).toBe(18)
  })

  it('is there in pipes, iterations and their callbacks', async () => {
    const { notes, note, ...lab } = makeNotes()
    const server = await serve(async (request, response, session) => {
      lab.expect(session)
      // What Hono's own answer would tell, one on its raw response does not.
      if (name !== 'Hono') void session.set('n', 1)
      const sink = new Writable({
        write(_chunk, _encoding, done) {
          note('written')
          done()
        },
      })
      request.once('end', () => note('end'))
      pipeline(request, sink, async () => {
        note('pipeline callback')
        await session.get('n')
        note('after a read')
        response.end('held', () => note('end callback'))
      })
    }, true)
    expect((await ask(server, '/', POST)).text).toBe('held')
    await eventually(() => expect(notes.has('end callback')).toBe(true))
    const iterating = await serve(async (request, response, session) => {
      lab.expect(session)
      for await (const _chunk of request) note('iteration')
      note('after it')
      response.end('done')
    }, true)
    expect((await ask(iterating, '/', POST)).text).toBe('done')
    expect(Object.fromEntries(notes)).toEqual({
      written: true,
      end: true,
      'pipeline callback': true,
      'after a read': true,
      'end callback': true,
      iteration: true,
      'after it': true,
    })
  })

  it('is there when the client goes away', async () => {
    const { notes, note, ...lab } = makeNotes()
    let leave = () => {}
    const server = await serve((_request, response, session) => {
      lab.expect(session)
      response.on('close', () => note('close'))
      leave()
    }, true)
    leave = askAndLeave(server, '/')
    await eventually(() => expect([...notes]).toEqual([['close', true]]))
  })

  it('leaves listeners what they are', async () => {
    const found: unknown[] = []
    const server = await serve((request, response) => {
      const removed = () => found.push('a listener that was removed')
      for (const emitter of [request, response]) {
        const before = emitter.listenerCount('close')
        emitter.on('close', removed)
        emitter.once('close', removed)
        expect(emitter.listenerCount('close')).toBe(before + 2)
        expect(emitter.listeners('close').slice(-2)).toEqual([removed, removed])
        emitter.off('close', removed)
        emitter.removeListener('close', removed)
        expect(emitter.listenerCount('close')).toBe(before)
      }
      expect(response.emit('nothing')).toBe(false)
      response.once('own', (...values) => {
        expect(EventEmitter.prototype.listenerCount.call(response, 'own')).toBe(0)
        found.push(values)
      })
      expect(response.emit('own', 1, 2)).toBe(true)
      response.end('fine')
    }, true)
    expect((await ask(server)).text).toBe('fine')
    expect(found).toEqual([[1, 2]])
  })

  it('is not looked for without `asyncContext`', async () => {
    const own: unknown[] = []
    const server = await serve((request, response) => {
      own.push(Object.hasOwn(request, 'emit'), Object.hasOwn(response, 'emit'))
      response.end('fine')
    }, false)
    expect((await ask(server)).text).toBe('fine')
    expect(own).toEqual([false, false])
  })
})

it('is that of its own request when others end its response', async () => {
  const waiting: ServerResponse[] = []
  const seen: unknown[] = []
  const server = await serveNode(
    'http',
    new Manager(),
    (request, response) => {
      response.on('finish', () => seen.push(currentSession() === request.session))
      waiting.push(response)
      if (waiting.length === 3) for (const each of waiting) each.end('told')
    },
    { asyncContext: true },
  )
  await Promise.all([ask(server), ask(server), ask(server)])
  await eventually(() => expect(seen).toEqual([true, true, true]))
})
