// @fastify/session, in Fastify.
import { peer } from '../peers/index.mjs'
import { fastifyServer } from './frameworks.mjs'
import {
  ANSWER,
  answerTo,
  contended,
  counter,
  largeSession,
  SECRET,
  sampleSession,
  TTL_MILLISECONDS,
  textOf,
} from './work.mjs'

const next = counter()

const works = {
  untouched: () => ANSWER,
  read: request => answerTo(request.session.get('name')),
  write: request => {
    request.session.set('counter', next())
    return ANSWER
  },
  value: request => textOf(request.session.get('counter')),
  login: request => login(request, sampleSession),
  loginLarge: request => login(request, largeSession),
  logout: async request => {
    await request.session.destroy()
    return ANSWER
  },
  contend: request => {
    request.session.set(...contended(request.headers))
    return ANSWER
  },
  contended: request => JSON.stringify(request.session),
}

async function login(request, data) {
  await request.session.regenerate()
  for (const key in data) request.session.set(key, data[key])
  return ANSWER
}

/**
 * As its README says, with nothing saved for those who have no session. Rolling is its default, and
 * the only way in which a session slides: it saves the session and sends the cookie each time.
 */
async function open({ store, rolling }) {
  const { default: cookie } = await peer('@fastify/cookie')
  const { default: session } = await peer('@fastify/session')
  const options = {
    secret: SECRET,
    saveUninitialized: false,
    rolling,
    cookie: { maxAge: TTL_MILLISECONDS, secure: false },
    ...(store && { store }),
  }
  return fastifyServer(works, [cookie, {}], [session, options])
}

/** Its tests take the store of connect-redis, as express-session does. */
async function redisStore({ client, prefix }) {
  const { RedisStore } = await peer('connect-redis')
  return new RedisStore({ client, prefix })
}

const SLIDING = { untouched: 1, read: 1, write: 1 }
const KEPT = { write: 1 }

export const fastifySession = [
  {
    library: '@fastify/session',
    framework: 'Fastify',
    storage: 'memory',
    cookies: SLIDING,
    open: () => open({ rolling: true }),
  },
  {
    library: '@fastify/session',
    framework: 'Fastify',
    storage: 'redis',
    cookies: SLIDING,
    open: async context => open({ store: await redisStore(context), rolling: true }),
  },
  // Without rolling, a session ends a day after it was last changed, however much it is used.
  {
    library: '@fastify/session, not rolling',
    framework: 'Fastify',
    storage: 'memory',
    cookies: KEPT,
    open: () => open({ rolling: false }),
  },
  {
    library: '@fastify/session, not rolling',
    framework: 'Fastify',
    storage: 'redis',
    cookies: KEPT,
    open: async context => open({ store: await redisStore(context), rolling: false }),
  },
]
