// koa-session, in Koa: the session is in the cookie, signed.
import { peer } from '../peers/index.mjs'
import { koaServer } from './frameworks.mjs'
import {
  ANSWER,
  answerTo,
  counter,
  SECRET,
  sampleSession,
  TTL_MILLISECONDS,
  textOf,
} from './work.mjs'

const next = counter()

const works = {
  untouched: () => ANSWER,
  read: ctx => answerTo(ctx.session.name),
  write: ctx => {
    ctx.session.counter = next()
    return ANSWER
  },
  value: ctx => textOf(ctx.session.counter),
  // There is no id that could be made anew.
  login: ctx => {
    Object.assign(ctx.session, sampleSession)
    return ANSWER
  },
  logout: ctx => {
    ctx.session = null
    return ANSWER
  },
}

export const koaSession = [
  {
    library: 'koa-session',
    framework: 'Koa',
    storage: 'cookie',
    // The cookie and its signature.
    cookies: { write: 2, login: 2, logout: 2 },
    /** As its README says; renew makes the session slide, at most once per half of its life. */
    open: async () => {
      const { default: session } = await peer('koa-session')
      return koaServer(works, app => {
        app.keys = [SECRET]
        app.use(session({ maxAge: TTL_MILLISECONDS, renew: true, secure: false }, app))
      })
    },
  },
]
