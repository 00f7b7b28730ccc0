// All that is measured. A subject is a library on a framework with a storage:
//   library, framework, storage  what it is; the three together are its name
//   kind                         'ours', 'theirs', or 'limit' for what no session can beat
//   cases                        what it can do; the six cases of a session unless it says
//   cookies                      how many Set-Cookie headers each case answers with, where not 0 (login: 1)
//   open(context)                makes its server, in a process of its own
import { bare } from './bare.mjs'
import { expressSession } from './express-session.mjs'
import { fastifySession } from './fastify-session.mjs'
import { gsession } from './gsession.mjs'
import { h3Session } from './h3-session.mjs'
import { honoSessions } from './hono-sessions.mjs'
import { ironSession } from './iron-session.mjs'
import { koaSession } from './koa-session.mjs'
import { limits } from './limits.mjs'

const SESSION_CASES = ['untouched', 'read', 'write', 'mix', 'login', 'logout']
const COOKIES = { untouched: 0, read: 0, write: 0, login: 1, logout: 0 }

/** The order is that of the samples: what is compared most stands close together. */
export const subjects = [
  ...[...bare, ...limits].map(subject => ({ ...subject, kind: 'limit' })),
  ...gsession.map(subject => ({ ...subject, kind: 'ours' })),
  ...[
    ...expressSession,
    ...fastifySession,
    ...koaSession,
    ...honoSessions,
    ...ironSession,
    ...h3Session,
  ].map(subject => ({ ...subject, kind: 'theirs' })),
].map(subject => ({
  ...subject,
  name: `${subject.library}, ${subject.framework}, ${subject.storage}`,
  cases: subject.cases ?? SESSION_CASES,
  cookies: { ...COOKIES, ...subject.cookies },
}))
