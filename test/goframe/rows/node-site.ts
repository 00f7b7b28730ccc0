import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Manager } from 'gsession'
import { type HasSession, type NodeSessionOptions, session } from 'gsession/http'

type Request = IncomingMessage & HasSession<Record<string, unknown>>
type Route = (request: Request, response: ServerResponse, key: string) => Promise<unknown>

/** What interop/serve.go and interop/row_routes.go have as routes. The result is the body. */
const ROUTES: Readonly<Record<string, Route>> = {
  set: async ({ session }) => session.set('time', Math.floor(Date.now() / 1000)).then(ok),
  get: async ({ session }) => JSON.stringify(await session.data()),
  del: async ({ session }) => session.removeAll().then(ok),
  key: async (request, _response, key) => {
    const { session, method } = request
    if (method === 'PUT') return session.set(key, JSON.parse(await bodyOf(request))).then(ok)
    if (method === 'DELETE') return session.remove(key).then(ok)
    return JSON.stringify((await session.get(key)) ?? null)
  },
  regenerate: async ({ session }) => session.regenerateId().then(ok),
  read: async ({ session }) => {
    const got = [await session.get('user'), await session.data(), await session.size()]
    const contains = await session.contains('user')
    await session.remove('user')
    await session.removeAll()
    return JSON.stringify([...got, contains])
  },
  'start-with': async ({ session }, _response, key) => {
    session.setId(key)
    return session.set('a', 1).then(ok)
  },
  login: async ({ session }, response) => {
    await session.set('user', 'Ann')
    response.writeHead(302, { Location: '/get' })
  },
  'set-until-gone': async ({ session, socket }) => {
    await session.set('user', 'Ann')
    await once(socket, 'close')
  },
  'set-function': async ({ session }) => {
    await session.set('user', 'Ann')
    return session.set('bad', () => undefined).then(ok)
  },
  logout: async ({ session }, response) => {
    await session.removeAll()
    response.setHeader('Set-Cookie', 'gfsessionid=; Path=/; Max-Age=0')
    return ok()
  },
  'set-then-panic': async ({ session }) => {
    await session.set('beforePanic', true)
    throw new Error('as asked')
  },
}

const ok = (): string => 'ok'

async function bodyOf(request: Request): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

/** A Node server with the routes of the Go server, on a free port. */
export async function serveNode(manager: Manager, options: NodeSessionOptions): Promise<Server> {
  const listener = session(manager, {
    // Those that fail on purpose would fill stderr otherwise.
    onError(error, _request, response) {
      response.statusCode = 500
      response.end(String(error))
    },
    ...options,
  })(async (request, response) => {
    const [, action = '', key = ''] = (request.url ?? '').split('/')
    const route = ROUTES[action]
    if (route === undefined) throw new Error(`There is no route ${action}`)
    response.end(await route(request, response, key))
  })
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
