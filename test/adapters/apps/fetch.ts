import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Server } from 'node:net'
import { session } from 'gsession/fetch'
import { H3, toNodeHandler } from 'h3/node'
import { type Kind, listenOn, tlsOf } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE, type Reply } from '../adapter.ts'
import { serveFetch, streamOf } from './serve-fetch.ts'

type Handler = (request: Request) => Promise<Response>

function responseOf({ status = 200, headers = {}, body }: Reply): Response {
  const all = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((line): [string, string] => [name, line]),
  )
  const content = typeof body === 'object' ? streamOf(body) : body
  return new Response(content ?? null, { status, headers: all })
}

/** What answers each path. */
function handlersOf(app: AppOptions): [path: string, handler: Handler][] {
  const withSession = session(app.manager, {
    ...app.options,
    onError(error) {
      app.errors.push(error)
      return new Response(ERROR_PAGE, { status: 500 })
    },
  })
  return Object.entries(app.routes).map(([path, route]) => [
    path,
    withSession(async (request, session) => {
      const { method, url } = request
      const text = method === 'POST' ? await request.text() : ''
      return responseOf(await route(session, { method, query: new URL(url).searchParams, text }))
    }),
  ])
}

/** `fetch` as a server of its own, which is what Bun and Deno have. */
const plain: Adapter = {
  name: 'serve({ fetch })',
  kinds: ['http', 'https', 'h2c', 'h2'],
  async serve(app) {
    const handlers = new Map(handlersOf(app))
    const notFound = () => new Response(null, { status: 404 })
    return serveFetch(app.kind, request => {
      const handler = handlers.get(new URL(request.url).pathname) ?? notFound
      return handler(request)
    })
  },
}

/** h3 as its users use it on Node. */
const h3: Adapter = {
  name: 'h3',
  kinds: ['http', 'https', 'h2c', 'h2'],
  async serve(app) {
    const application = new H3()
    for (const [path, handler] of handlersOf(app)) {
      application.all(path, event => handler(event.req))
    }
    return listenOn(app.kind, serverOf(app.kind, application))
  },
}

export const fetchAdapters: readonly Adapter[] = [plain, h3]

function serverOf(kind: Kind, application: H3): Server {
  // One handler for all kinds of server, whose types differ.
  const handler = toNodeHandler(application) as never
  if (kind === 'http') return createHttp(handler)
  if (kind === 'https') return createHttps(tlsOf(), handler)
  return kind === 'h2c' ? createHttp2(handler) : createSecureServer(tlsOf(), handler)
}
