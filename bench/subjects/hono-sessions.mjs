// hono-sessions, in Hono. The package has a store in memory, and one in the cookie; none for Redis.
import { peer } from '../peers/index.mjs'
import { honoServer } from './frameworks.mjs'
import { ANSWER, answerTo, counter, SECRET, sampleSession, TTL_SECONDS, textOf } from './work.mjs'

const next = counter()

const works = {
  untouched: () => ANSWER,
  read: c => answerTo(c.get('session').get('name')),
  write: c => {
    c.get('session').set('counter', next())
    return ANSWER
  },
  value: c => textOf(c.get('session').get('counter')),
  login: c => {
    for (const key in sampleSession) c.get('session').set(key, sampleSession[key])
    c.set('session_key_rotation', true)
    return ANSWER
  },
  logout: c => {
    c.get('session').deleteSession()
    return ANSWER
  },
}

export const honoSessions = [
  {
    library: 'hono-sessions',
    framework: 'Hono',
    storage: 'memory',
    // It sends the cookie each time; at a login the one of the first id too.
    cookies: { untouched: 1, read: 1, write: 1, login: 2, logout: 1 },
    /** As its README says; the encryption of the cookie is what it recommends for all stores. */
    open: async () => {
      const { MemoryStore, sessionMiddleware } = await peer('hono-sessions')
      const middleware = sessionMiddleware({
        store: new MemoryStore(),
        encryptionKey: SECRET,
        expireAfterSeconds: TTL_SECONDS,
        cookieOptions: { sameSite: 'Lax', path: '/', httpOnly: true },
      })
      return honoServer(works, middleware)
    },
  },
]
