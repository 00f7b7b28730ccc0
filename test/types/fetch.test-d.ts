// Checked by the compiler, not run: each line that must not compile says so.

import { Manager, type Session } from 'gsession'
import { session, type WithSession } from 'gsession/fetch'

interface Visit {
  user: string
  views: number
}

const withSession: WithSession<Visit> = session(new Manager<Visit>())

export const plain: (request: Request) => Promise<Response> = withSession(
  async (request, session) => {
    const own: Session<Visit> = session
    // @ts-expect-error: there is no such key
    await own.get('nope')
    return new Response(`${request.method} ${await own.get('views', 0)}`)
  },
)

/** As frameworks have it: a request of their own, and more arguments. */
interface OwnRequest extends Request {
  readonly nextUrl: URL
}
interface OwnContext {
  readonly params: Promise<{ id: string }>
}

export const framework: (request: OwnRequest, context: OwnContext) => Promise<Response> =
  withSession(async (request: OwnRequest, session, context: OwnContext) => {
    await session.set('user', (await context.params).id)
    return Response.redirect(request.nextUrl, 302)
  })

// @ts-expect-error: a handler with a session returns a response
withSession(async () => ({ user: 'ann' }))

// @ts-expect-error: an answer to an error is a response
session(new Manager(), { onError: () => 'oops' })
