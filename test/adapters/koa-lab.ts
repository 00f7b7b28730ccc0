import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/koa'
import type Koa from 'koa'
import type { Middleware } from 'koa'
import { type Answer, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'
import { KOA_VERSIONS, serverOf } from './apps/koa.ts'

/** Both versions, for `describe.each`. */
export const versions = Object.entries(KOA_VERSIONS)

export interface KoaOptions {
  readonly manager?: Manager
  /** Middlewares before the session's. */
  readonly before?: readonly Middleware[]
  readonly trustProxy?: boolean
  /** `app.proxy`. */
  readonly proxy?: boolean
}

/**
 * An application with this handler, without an error handling of its own: what Koa does with errors is
 * tested, and they are gathered. It tells at `/get` who the user of the session is.
 */
export async function startKoa(Version: typeof Koa, handler: Middleware, options: KoaOptions = {}) {
  const { manager = new Manager({ storage: new StorageMemory() }), before = [] } = options
  const { trustProxy, proxy = false } = options
  const errors: unknown[] = []
  const application = new Version({ proxy })
  application.on('error', error => errors.push(error))
  for (const middleware of before) application.use(middleware)
  application
    .use(session(manager, trustProxy === undefined ? {} : { trustProxy }))
    .use(readUser)
    .use(handler)
  return { server: await listenOn('http', serverOf('http', application)), errors }
}

const readUser: Middleware = async (context, next) => {
  if (context.path === '/get') context.body = (await context.session.get('user')) ?? 'nobody'
  else await next()
}

/** The user of the session that an answer began. */
export async function userOf(server: TestServer, answer: Answer): Promise<string> {
  return (await askAs(cookieFrom(answer), server, '/get')).text
}
