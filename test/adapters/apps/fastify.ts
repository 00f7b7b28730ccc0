import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import fastify, { type FastifyInstance } from 'fastify'
import { Manager, type Storage, StorageMemory } from 'gsession'
import session, { type FastifySessionOptions } from 'gsession/fastify'
import { atEnd } from '../../helpers/at-end.ts'
import { type Kind, type TestServer, tlsOf } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE } from '../adapter.ts'

/** An application of Fastify for this kind of server. */
export function makeFastify(kind: Kind): FastifyInstance {
  const options = { forceCloseConnections: true } as const
  // Each kind of server gives the application types of its own, with the same members.
  if (kind === 'http') return fastify(options)
  if (kind === 'https') return fastify({ ...options, https: tlsOf() }) as never
  if (kind === 'h2c') return fastify({ ...options, http2: true }) as never
  return fastify({ ...options, http2: true, https: tlsOf() }) as never
}

/** Lets an application listen on a free port, and closes it when the test is over. */
export async function listenWith(kind: Kind, application: FastifyInstance): Promise<TestServer> {
  atEnd(() => application.close())
  await application.listen({ port: 0, host: '127.0.0.1' })
  return { kind, port: (application.server.address() as AddressInfo).port }
}

/** An application with sessions, whose `/user` answers who has logged in. */
export async function serveFastify(
  define: (app: FastifyInstance) => unknown,
  storage: Storage = new StorageMemory(),
  options: Omit<FastifySessionOptions, 'manager'> = {},
): Promise<TestServer> {
  const app = makeFastify('http')
  await app.register(session, { manager: new Manager({ storage }), ...options })
  app.get('/user', async request => request.session.get('user', 'nobody'))
  await define(app)
  return listenWith('http', app)
}

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (_error, _request, reply) => reply.code(500).send(ERROR_PAGE))
}

async function serve(app: AppOptions): Promise<TestServer> {
  const application = makeFastify(app.kind)
  application.setErrorHandler((error, _request, reply) => {
    app.errors.push(error)
    return reply.code(500).send(ERROR_PAGE)
  })
  application.register(session, { manager: app.manager, ...app.options })
  for (const [path, route] of Object.entries(app.routes)) {
    application.all(path, async (request, reply) => {
      const query = new URL(request.url, 'http://localhost').searchParams
      const text = typeof request.body === 'string' ? request.body : ''
      const answer = await route(request.session, { method: request.method, query, text })
      const { status = 200, headers = {}, body } = answer
      reply.code(status)
      for (const [name, value] of Object.entries(headers)) reply.header(name, value)
      return reply.send(body === undefined || typeof body === 'string' ? body : Readable.from(body))
    })
  }
  return listenWith(app.kind, application)
}

/** Fastify as its users use it. */
export const fastifyAdapters: readonly Adapter[] = [
  { name: 'Fastify 5', kinds: ['http', 'https', 'h2c', 'h2'], serve },
]
