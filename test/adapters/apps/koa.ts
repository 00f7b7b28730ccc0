import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Server } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { session } from 'gsession/koa'
import Koa, { type Context } from 'koa'
import Koa2 from 'koa-2'
import { type Kind, listenOn, tlsOf } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE, type Reply } from '../adapter.ts'

/** Both versions. */
export const KOA_VERSIONS = { 'Koa 3': Koa, 'Koa 2': Koa2 }

function send(context: Context, { status = 200, headers = {}, body }: Reply): void {
  for (const [name, value] of Object.entries(headers)) context.set(name, value as string)
  context.body = body === undefined || typeof body === 'string' ? (body ?? '') : Readable.from(body)
  context.status = status
}

function appOf(Version: typeof Koa, app: AppOptions): Koa {
  const application = new Version()
  application.on('error', error => app.errors.push(error))
  application.use(async (context, next) => {
    try {
      await next()
    } catch (error) {
      context.status = 500
      context.body = ERROR_PAGE
      context.app.emit('error', error, context)
    }
  })
  application.use(session(app.manager, app.options))
  application.use(async context => {
    const route = app.routes[context.path]
    const query = new URL(context.url, 'http://localhost').searchParams
    const question = { method: context.method, query, text: await text(context.req) }
    if (route !== undefined) send(context, await route(context.session, question))
  })
  return application
}

/** A server of node's for an application of Koa. */
export function serverOf(kind: Kind, application: Koa): Server {
  const listener = application.callback()
  if (kind === 'https') return createHttps(tlsOf(), listener)
  // Koa takes the compatibility side of node:http2, but its types do not say so.
  return kind === 'h2c' ? createHttp2(listener as never) : createHttp(listener)
}

/** Koa as its users use it, in both versions. */
export const koaAdapters: readonly Adapter[] = Object.entries(KOA_VERSIONS).map(
  ([name, Version]) => ({
    name,
    // Over HTTP/2, Koa 2 never answers a HEAD request, with us or without.
    kinds: Version === Koa ? ['http', 'https', 'h2c'] : ['http', 'https'],
    serve: app => listenOn(app.kind, serverOf(app.kind, appOf(Version, app))),
  }),
)
