// express-session with four stores, in Express.
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer } from '../peers/index.mjs'
import { expressServer } from './frameworks.mjs'
import {
  ANSWER,
  answerTo,
  contended,
  counter,
  largeSession,
  SECRET,
  sampleSession,
  TTL_MILLISECONDS,
  TTL_SECONDS,
  textOf,
} from './work.mjs'

const next = counter()

const works = {
  untouched: () => ANSWER,
  read: request => answerTo(request.session.name),
  write: request => {
    request.session.counter = next()
    return ANSWER
  },
  value: request => textOf(request.session.counter),
  login: request => login(request, sampleSession),
  loginLarge: request => login(request, largeSession),
  logout: async request => {
    await promisify(request.session.destroy).call(request.session)
    return ANSWER
  },
  contend: request => {
    const [key, value] = contended(request.headers)
    request.session[key] = value
    return ANSWER
  },
  contended: request => JSON.stringify(request.session),
}

async function login(request, data) {
  await promisify(request.session.regenerate).call(request.session)
  Object.assign(request.session, data)
  return ANSWER
}

/** As its README says: nothing is saved that has not changed; a session is touched by each request. */
async function open(storeOf) {
  const { default: session } = await peer('express-session')
  const middleware = session({
    store: await storeOf(session),
    secret: SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: TTL_MILLISECONDS },
  })
  return expressServer(works, middleware)
}

/** It sends the cookie whenever the session has changed. */
const COOKIES = { write: 1 }

export const expressSession = [
  {
    library: 'express-session',
    framework: 'Express',
    storage: 'memory',
    open: () => open(session => new session.MemoryStore()),
  },
  {
    library: 'express-session, memorystore',
    framework: 'Express',
    storage: 'memory',
    // The README's own: expired sessions are cleared once a day.
    open: () =>
      open(async session => {
        const { default: memorystore } = await peer('memorystore')
        return new (memorystore(session))({ checkPeriod: 86_400_000 })
      }),
  },
  {
    library: 'express-session, session-file-store',
    framework: 'Express',
    storage: 'file',
    // No retries, which would make it wait for a quarter of a second where there is no session, and
    // no log lines.
    open: ({ folder }) =>
      open(async session => {
        const { default: fileStore } = await peer('session-file-store')
        const path = join(folder, 'sessions')
        return new (fileStore(session))({ path, ttl: TTL_SECONDS, retries: 0, logFn: () => {} })
      }),
  },
  {
    library: 'express-session, connect-redis',
    framework: 'Express',
    storage: 'redis',
    open: ({ client, prefix }) =>
      open(async () => {
        const { RedisStore } = await peer('connect-redis')
        return new RedisStore({ client, prefix })
      }),
  },
].map(subject => ({ ...subject, cookies: COOKIES }))
