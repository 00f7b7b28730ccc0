import type { Session } from 'gsession'
import type { Gate } from '../../helpers/gate.ts'
import type { Reply, Route } from '../adapter.ts'

export type Routes = Readonly<Record<string, Route>>

/** What the page says of the visitor. */
export const greetingOf = (user: unknown): string =>
  typeof user === 'string' ? `${user} is logged in` : 'Nobody is logged in'

/** The page of a visitor: who is logged in, what else the session has, and what can be done. */
export async function pageOf(session: Session): Promise<Reply> {
  const user = await session.get('user')
  const { user: _, ...data } = await session.data()
  return html(`
    <h1>${greetingOf(user)}</h1>
    <p>The session has <code>${JSON.stringify(data)}</code></p>
    <form method="post" enctype="text/plain">
      <button formaction="/login?user=ann">Log in as ann</button>
      <button formaction="/login?user=bob">Log in as bob</button>
      <button formaction="/logout">Log out</button>
      <button formaction="/write?key=left">Write left</button>
      <button formaction="/write?key=right">Write right</button>
    </form>
    <a href="/">Look again</a>`)
}

/** A page without anything that a browser would ask for by itself. */
export function html(body: string): Reply {
  return {
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><head><title>A session</title>
      <link rel="icon" href="data:,"></head><body>${body}</body></html>`,
  }
}

const BACK_TO_PAGE: Reply = { status: 303, headers: { location: '/' } }

/** A page to log in and out, whose forms lead back to it. */
export const PAGE: Routes = {
  '/': pageOf,
  '/login': async (session, { query }) => {
    await session.regenerateId()
    // Only recorded: it is there for the next request if the answer waits until it is saved.
    await session.set('user', query.get('user'))
    return BACK_TO_PAGE
  },
  '/logout': async session => {
    await session.removeAll()
    return BACK_TO_PAGE
  },
  '/write': async (session, { query }) => {
    await session.set(query.get('key') ?? '', true)
    return BACK_TO_PAGE
  },
}

/** What a slow request does at last with a session that it has read before. */
const WAYS: Readonly<Record<string, (session: Session) => unknown>> = {
  read: session => session.data(),
  set: session => session.set('user', 'eve'),
  update: session => session.update('late', () => true),
  regenerate: session => session.regenerateId(),
}

export const SLOW_WAYS: readonly string[] = Object.keys(WAYS)

/** A request that reads the session, says that it has, and goes on when the gate opens. */
export function slowRoute(hasRead: (way: string) => void, gate: Gate): Route {
  return async (session, { query }) => {
    const way = query.get('way') ?? ''
    await session.data()
    hasRead(way)
    await gate.opened
    await WAYS[way]?.(session)
    return { body: 'done' }
  }
}
