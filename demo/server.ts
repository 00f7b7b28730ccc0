import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duration, Manager, openStorage, type Session, StorageFile } from 'gsession'
import { session } from 'gsession/http'

/** What a session of this program holds. Keys and types are checked wherever it is used. */
interface Visit {
  time: number
  views: number
  name: string
}

const HTML = 'text/html; charset=utf-8'
const TEXT = 'text/plain; charset=utf-8'

async function start(): Promise<void> {
  const { PORT = '8199', SESSION_TTL = '24h', SESSION_PATH = '' } = process.env
  const { SESSION_STORAGE = `file:${encodeURIComponent(SESSION_PATH)}` } = process.env
  const storage = await openStorage(SESSION_STORAGE)
  const manager = new Manager<Visit>({ ttl: SESSION_TTL as Duration, storage })
  const page = await readFile('demo/page.html')

  const listener = session(manager)(async (request, response) => {
    const [path = '/', query] = (request.url ?? '/').split('?', 2)
    // A request that does not touch its session costs nothing, and is sent no cookie.
    if (path === '/') return response.setHeader('Content-Type', HTML).end(page)
    response.setHeader('Content-Type', TEXT).setHeader('Cache-Control', 'no-store')

    const route = routes[path]
    if (route !== undefined) return response.end(await route(request.session))

    const action = actions[`${request.method} ${path}`]
    if (action === undefined) return response.writeHead(404).end('Not Found')
    await action(request.session, new URLSearchParams(query))
    const state = { data: await request.session.data(), ttl: manager.ttl }
    // The session is saved before the head leaves; only then is it known which headers that took.
    const hasLeft = response.write(`${JSON.stringify(state)}\n`)
    if (!hasLeft) await once(response, 'drain')
    return response.end(JSON.stringify(headersOf(request, response)))
  })

  const server = createServer(listener).listen(Number(PORT))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // The URL of a database may hold its password.
  const place = storage instanceof StorageFile ? storage.path : new URL(SESSION_STORAGE).protocol
  console.log(`Listening on http://localhost:${port}, sessions are kept in ${place}`)

  const stop = async (): Promise<void> => {
    server.close()
    setTimeout(() => server.closeAllConnections(), 1000).unref()
    await once(server, 'close')
    await manager.close()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
}

/** The walk-through. */
const routes: Record<string, (session: Session<Visit>) => Promise<string>> = {
  '/set': async session => {
    await session.set('time', now())
    return 'ok'
  },
  '/get': async session => JSON.stringify(await session.data()),
  '/del': async session => {
    await session.removeAll()
    return 'ok'
  },
}

type Action = (session: Session<Visit>, query: URLSearchParams) => Promise<unknown>

/** What the page's buttons do. */
const actions: Record<string, Action> = {
  'GET /api/session': async () => {},
  'POST /api/time': session => session.set('time', now()),
  'POST /api/views': session => session.update('views', (views = 0) => views + 1),
  'POST /api/name': (session, query) => session.set('name', query.get('name') ?? ''),
  'POST /api/remove': (session, query) =>
    session.remove(...(['time', 'views', 'name'] as const).filter(key => query.has(key))),
  'POST /api/new-id': session => session.regenerateId(),
  'POST /api/log-out': session => session.removeAll(),
}

const now = (): number => Math.floor(Date.now() / 1000)

/** The session's headers, for the page to show. Whoever has an id is logged in, so it is masked. */
function headersOf(request: IncomingMessage, response: ServerResponse): object {
  const mask = (text: string | undefined): string | undefined =>
    text?.replace(/^(sid=.{4})[^;]+/, '$1••••••••')
  const cookie = request.headers.cookie?.split('; ').find(pair => pair.startsWith('sid='))
  return { cookie: mask(cookie), setCookie: mask(response.getHeader('Set-Cookie')?.toString()) }
}

start().catch((error: Error) => {
  console.error(`The demo cannot start: ${error.message}`)
  process.exitCode = 1
})
