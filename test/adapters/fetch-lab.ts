import { Manager, type ManagerOptions, type Session, StorageMemory } from 'gsession'
import { type FetchSessionOptions, session } from 'gsession/fetch'
import { type Answer, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { serveFetch } from './apps/serve-fetch.ts'

type Handler = (request: Request, session: Session) => Response | Promise<Response>

export const newManager = (options: ManagerOptions = {}) =>
  new Manager({ storage: new StorageMemory(), ...options })

/** A server that answers with this handler, and at `/get` with what the session holds. */
export function start(handler: Handler, manager = newManager(), options: FetchSessionOptions = {}) {
  const answer = session(
    manager,
    options,
  )(async (request, session) =>
    new URL(request.url).pathname === '/get'
      ? Response.json(await session.data())
      : handler(request, session),
  )
  // What is thrown is for the framework: one that sends responses, as React Router does.
  return serveFetch('http', async request => {
    try {
      return await answer(request)
    } catch (thrown) {
      if (!(thrown instanceof Error)) return thrown as Response
      return new Response('the framework', { status: 500 })
    }
  })
}

/** What the session holds that an answer began. */
export async function dataOf(server: TestServer, answer: Answer): Promise<unknown> {
  return JSON.parse((await askAs(cookieFrom(answer), server, '/get')).text)
}
