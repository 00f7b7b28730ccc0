import { createServer } from 'node:http'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import express4 from 'express-4'
import { Manager, type Session, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import { Passport } from 'passport'
import { Strategy } from 'passport-local'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { listenOn } from '../helpers/http-servers.ts'

const VERSIONS = { 'Express 5': express, 'Express 4': express4 }

interface User {
  readonly id: string
  readonly name: string
}

const ANN: User = { id: 'u1', name: 'ann' }
const findUser = (id: unknown): User | undefined => (id === ANN.id ? ANN : undefined)

/** Passport as its users set it up, with a strategy that knows one user. */
function newPassport() {
  const passport = new Passport()
  passport.use(
    new Strategy((name, password, done) => {
      if (name === ANN.name && password === 'secret') done(null, ANN)
      else done(null, false, { message: 'Wrong name or password' })
    }),
  )
  passport.serializeUser((user, done) => done(null, (user as User).id))
  passport.deserializeUser((id, done) => done(null, findUser(id) ?? false))
  return passport
}

const LOGIN = '/login?username=ann&password=secret'

describe.each(Object.entries(VERSIONS))('Passport on %s', (_, create) => {
  async function start(configure: (app: ReturnType<typeof express>) => void): Promise<Browser> {
    const app = create()
    app.use(session(new Manager({ storage: new StorageMemory() })))
    configure(app)
    const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
      response.status(500).send(String(error))
    }
    app.use(answerError)
    return new Browser(await listenOn('http', createServer(app)))
  }

  const asynchronous =
    (handler: (...args: Parameters<RequestHandler>) => Promise<unknown>): RequestHandler =>
    (request, response, next) => {
      handler(request, response, next).catch(next)
    }

  /** What the page "moving from express-session" says to write. */
  function startAsWeSay(): Promise<Browser> {
    const passport = newPassport()
    return start(app => {
      app.use(
        asynchronous(async (request, _response, next) => {
          const user = findUser(await request.session.get('user'))
          if (user !== undefined) request.user = user
          next()
        }),
      )
      app.use(passport.initialize())
      app.post(
        '/login',
        passport.authenticate('local', { session: false }),
        asynchronous(async (request, response) => {
          await request.session.regenerateId()
          await request.session.set('user', (request.user as User).id)
          response.redirect('/')
        }),
      )
      app.post(
        '/logout',
        asynchronous(async (request, response) => {
          await request.session.removeAll()
          response.redirect('/')
        }),
      )
      app.get('/', (request, response) => {
        response.json({ isAuthenticated: request.isAuthenticated(), user: request.user ?? null })
      })
    })
  }

  const NOBODY = { isAuthenticated: false, user: null }
  const home = async (browser: Browser) => JSON.parse((await browser.ask('/')).text)

  it('logs in with its strategy, knows the user in the next request, and logs out', async () => {
    const browser = await startAsWeSay()
    expect(await home(browser)).toEqual(NOBODY)
    const login = await browser.ask(LOGIN, { method: 'POST' })
    expect([login.status, login.setCookies.length]).toEqual([302, 1])
    expect(await home(browser)).toEqual({ isAuthenticated: true, user: ANN })
    const before = await browser.cookies()
    await browser.ask(LOGIN, { method: 'POST' })
    expect(await browser.cookies()).not.toEqual(before)
    expect(await home(browser)).toEqual({ isAuthenticated: true, user: ANN })
    await browser.ask('/logout', { method: 'POST' })
    expect(await home(browser)).toEqual(NOBODY)
  })

  it('refuses who its strategy does not know, and sets no cookie', async () => {
    const browser = await startAsWeSay()
    const wrong = '/login?username=ann&password=guess'
    const answer = await browser.ask(wrong, { method: 'POST' })
    expect([answer.status, answer.setCookies]).toEqual([401, []])
    expect(await home(browser)).toEqual(NOBODY)
  })

  it('cannot keep the login itself: request.login fails, and passport.session() finds nobody', async () => {
    const passport = newPassport()
    const browser = await start(app => {
      app.use(passport.initialize())
      app.use(passport.session())
      app.post('/login', passport.authenticate('local'), (_request, response) => {
        response.send('fine')
      })
      app.get('/', (request, response) => {
        response.json({ isAuthenticated: request.isAuthenticated(), user: request.user ?? null })
      })
    })
    const answer = await browser.ask(LOGIN, { method: 'POST' })
    expect([answer.status, answer.setCookies]).toEqual([500, []])
    expect(answer.text).toContain('req.session.regenerate is not a function')
    expect(await home(browser)).toEqual(NOBODY)
  })

  it('cannot write its messages into the session; a callback of authenticate can', async () => {
    const passport = newPassport()
    const noteFailure =
      (session: Session, next: (error?: unknown) => void) =>
      (error: unknown, _user: unknown, info: unknown): void => {
        if (error !== null) next(error)
        else session.set('messages', [(info as Error).message]).then(() => next(), next)
      }
    const browser = await start(app => {
      app.use(passport.initialize())
      app.post('/written', passport.authenticate('local', { session: false, failureMessage: true }))
      app.post(
        '/called',
        (request, response, next) => {
          const done = noteFailure(request.session, next)
          passport.authenticate('local', { session: false }, done)(request, response, next)
        },
        (_request, response) => response.redirect('/'),
      )
      app.get(
        '/',
        asynchronous(async (request, response) => response.json(await request.session.data())),
      )
    })
    const wrong = '?username=ann&password=guess'
    expect((await browser.ask(`/written${wrong}`, { method: 'POST' })).status).toBe(500)
    expect(await home(browser)).toEqual({})
    expect((await browser.ask(`/called${wrong}`, { method: 'POST' })).status).toBe(302)
    expect(await home(browser)).toEqual({ messages: ['Wrong name or password'] })
  })
})
