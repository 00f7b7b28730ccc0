// Checked by the compiler, not run: each line that must not compile says so.

import fastify from 'fastify'
import { Manager, type Session } from 'gsession'
import session, { type FastifySessionOptions } from 'gsession/fastify'

/** An interface will do as data, without an index signature. */
interface Visit {
  views: number
}

export async function managers(): Promise<void> {
  const app = fastify()
  await app.register(session, { manager: new Manager() })
  await app.register(session, { manager: new Manager<Visit>(), name: 'visit', cookie: false })
  await app.register(session, { manager: new Manager<{ user: { name: string } }>() })
  // @ts-expect-error: the manager is missing
  await app.register(session, { name: 'sid' })
  // @ts-expect-error: a manager is not what has the name of one
  await app.register(session, { manager: {} })
  // @ts-expect-error: a name is a text
  await app.register(session, { manager: new Manager(), name: 1 })
}

export async function applications(): Promise<void> {
  const options: FastifySessionOptions = { manager: new Manager<Visit>() }
  await fastify({ http2: true }).register(session, options)
  await fastify({ https: {} }).register(session, options)
  await fastify({ http2: true, https: {} }).register(session, options)
  await fastify({ logger: true }).register(async app => app.register(session, options))
}

export const untyped = fastify().get('/', async request => {
  const own: Session<Record<string, unknown>> = request.session
  await own.set('views', 1)
  // @ts-expect-error: nothing is known of the value
  const views: number = await own.get('views')
  return views
})
