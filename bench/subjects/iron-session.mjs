// iron-session, on node:http: the session is in the cookie, encrypted.
import { peer } from '../peers/index.mjs'
import { nodeServer } from './frameworks.mjs'
import { ANSWER, answerTo, counter, SECRET, sampleSession, TTL_SECONDS, textOf } from './work.mjs'

const next = counter()
const OPTIONS = {
  password: SECRET,
  cookieName: 'sid',
  ttl: TTL_SECONDS,
  // As its README says for a connection without TLS.
  cookieOptions: { secure: false },
}

export const ironSession = [
  {
    library: 'iron-session',
    framework: 'node:http',
    storage: 'cookie',
    cookies: { write: 1, logout: 1 },
    open: async () => {
      const { getIronSession } = await peer('iron-session')
      const sessionOf = (request, response) => getIronSession(request, response, OPTIONS)
      return nodeServer({
        untouched: () => ANSWER,
        read: async (request, response) => answerTo((await sessionOf(request, response)).name),
        write: async (request, response) => {
          const session = await sessionOf(request, response)
          session.counter = next()
          await session.save()
          return ANSWER
        },
        value: async (request, response) => textOf((await sessionOf(request, response)).counter),
        login: async (request, response) => {
          const session = await sessionOf(request, response)
          Object.assign(session, sampleSession)
          await session.save()
          return ANSWER
        },
        logout: async (request, response) => {
          const session = await sessionOf(request, response)
          session.destroy()
          return ANSWER
        },
      })
    },
  },
]
