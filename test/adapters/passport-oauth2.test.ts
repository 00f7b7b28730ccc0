import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type ErrorRequestHandler, type Request } from 'express'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import { Passport } from 'passport'
import OAuth2Strategy from 'passport-oauth2'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { ask } from '../helpers/http-client.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'

/** What the page "moving from express-session" shows. */
const stateInSession = {
  store(request: Request, done: (error: unknown, state?: string) => void) {
    const state = randomBytes(24).toString('base64url')
    request.session.set('oauthState', state).then(() => done(null, state), done)
  },
  verify(request: Request, state: string, done: (error: unknown, isKnown?: boolean) => void) {
    request.session.get('oauthState').then(known => done(null, state === known), done)
  },
}

/** Who knows the users: it sends browsers back with a code, and gives a token for that. */
function startProvider(): Promise<TestServer> {
  const provider = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (pathname === '/token') {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ access_token: 'ann' }))
      return
    }
    const back = new URLSearchParams({ code: 'c0de', state: searchParams.get('state') ?? '' })
    response.writeHead(302, { Location: `${searchParams.get('redirect_uri')}?${back}` }).end()
  })
  return listenOn('http', provider)
}

type Options = Partial<OAuth2Strategy.StrategyOptions>

/** An application whose users log in elsewhere. */
function start(provider: TestServer, options: Options): Promise<TestServer> {
  const at = `http://localhost:${provider.port}`
  const passport = new Passport()
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: `${at}/authorize`,
      tokenURL: `${at}/token`,
      clientID: 'id',
      clientSecret: 'secret',
      callbackURL: '/callback',
      ...options,
    },
    (token: string, _refresh: string, _profile: unknown, done: OAuth2Strategy.VerifyCallback) =>
      done(null, { id: token }),
  )
  passport.use(strategy)
  const app = express()
  app.use(session(new Manager({ storage: new StorageMemory() })))
  app.use(passport.initialize())
  const authenticate = passport.authenticate('oauth2', { session: false })
  app.get('/login', authenticate)
  app.get('/callback', authenticate, async (request, response) => {
    await request.session.regenerateId()
    await request.session.remove('oauthState')
    await request.session.set('user', (request.user as { id: string }).id)
    response.redirect('/')
  })
  app.get('/', async (request, response) => {
    response.json(await request.session.data())
  })
  const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
    response.status(500).send(String(error))
  }
  app.use(answerError)
  return listenOn('http', createServer(app))
}

/** The path at which the application gets a visitor back whom it has sent to the provider. */
async function sendBack(provider: TestServer, browser: Browser): Promise<string> {
  const login = await browser.ask('/login')
  const { pathname, search } = new URL(login.headers['location'] ?? '')
  const back = await ask(provider, `${pathname}${search}`)
  const { pathname: path, search: query } = new URL(back.headers['location'] ?? '')
  return `${path}${query}`
}

describe('OAuth 2 with Passport', () => {
  // Passport looks at the number of parameters, which its types cannot express.
  const store = stateInSession as unknown as OAuth2Strategy.StateStore

  it('logs in with a `store` that keeps the state in the session', async () => {
    const provider = await startProvider()
    const browser = new Browser(await start(provider, { store }))
    const back = await sendBack(provider, browser)
    const before = await browser.cookies()
    const answer = await browser.ask(back)
    expect([answer.status, answer.headers['location']]).toEqual([302, '/'])
    expect(await browser.cookies()).not.toEqual(before)
    expect(JSON.parse((await browser.ask('/')).text)).toEqual({ user: 'ann' })
    expect((await browser.ask(back)).status).toBe(403)
  })

  it('refuses a state that another browser was given', async () => {
    const provider = await startProvider()
    const server = await start(provider, { store })
    const [ann, eve] = [new Browser(server), new Browser(server)]
    const back = await sendBack(provider, eve)
    await ann.ask('/login')
    expect((await ann.ask(back)).status).toBe(403)
    expect((await ann.ask('/callback?code=c0de')).status).toBe(403)
  })

  it.each([
    ['state: true', { state: true }],
    ['pkce: true', { state: true, pkce: true }],
  ])('fails with `%s`, which writes into the session by itself', async (_, options) => {
    const browser = new Browser(await start(await startProvider(), options))
    const answer = await browser.ask('/login')
    expect([answer.status, answer.setCookies]).toEqual([500, []])
  })
})
