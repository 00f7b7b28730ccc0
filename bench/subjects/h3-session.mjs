// useSession of h3: the session is in the cookie, encrypted.
import { peer } from '../peers/index.mjs'
import { h3Server } from './frameworks.mjs'
import { ANSWER, answerTo, counter, SECRET, sampleSession, TTL_SECONDS, textOf } from './work.mjs'

const next = counter()
// idleTimeout makes the session slide, as those of gsession do.
const CONFIG = { password: SECRET, idleTimeout: TTL_SECONDS, cookie: { secure: false } }

export const h3Session = [
  {
    library: 'h3 useSession',
    framework: 'h3',
    storage: 'cookie',
    cookies: { write: 1, logout: 1 },
    open: async () => {
      const { useSession } = await peer('h3')
      return h3Server({
        untouched: () => ANSWER,
        read: async event => answerTo((await useSession(event, CONFIG)).data.name),
        write: async event => {
          const session = await useSession(event, CONFIG)
          await session.update({ counter: next() })
          return ANSWER
        },
        value: async event => textOf((await useSession(event, CONFIG)).data.counter),
        login: async event => {
          const session = await useSession(event, CONFIG)
          await session.update(sampleSession)
          return ANSWER
        },
        logout: async event => {
          const session = await useSession(event, CONFIG)
          await session.clear()
          return ANSWER
        },
      })
    },
  },
]
