import { Manager, type ManagerOptions, StorageMemory } from 'gsession'
import { type SessionVariables, session } from 'gsession/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { type Answer, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { serveFetch } from './apps/serve-fetch.ts'

interface Data {
  user: string
  late: string
}

export type App = Hono<{ Variables: SessionVariables<Data> }>

export const newManager = (options: ManagerOptions = {}) =>
  new Manager<Data>({ storage: new StorageMemory(), ...options })

/** An application that tells at `/get` what the session holds, with middlewares before the session's. */
export function makeApp(
  build: (app: App) => unknown,
  { manager = newManager(), before = [] as readonly MiddlewareHandler[] } = {},
): App {
  const app: App = new Hono()
  for (const middleware of before) app.use(middleware)
  app.use(session(manager))
  app.get('/get', async c => c.json(await c.var.session.data()))
  build(app)
  return app
}

/** The same on a server. */
export function start(...args: Parameters<typeof makeApp>): Promise<TestServer> {
  return serveFetch('http', makeApp(...args).fetch)
}

/** What the session holds that an answer began. */
export async function dataOf(server: TestServer, answer: Answer): Promise<unknown> {
  return JSON.parse((await askAs(cookieFrom(answer), server, '/get')).text)
}
