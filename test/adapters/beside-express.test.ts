import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import compression from 'compression'
import cookieParser from 'cookie-parser'
import cors from 'cors'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import express4 from 'express-4'
import { Manager, type Storage, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import helmet from 'helmet'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'
import { countCalls, delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { ERROR_PAGE } from './adapter.ts'

const VERSIONS = { 'Express 5': express, 'Express 4': express4 }
/** Long enough to be compressed. */
const TEXT = 'a long text '.repeat(1000)
/** More than any buffer on the way takes at once, compressed or not. */
const LARGE = Array.from({ length: 50 }, () => randomBytes(16_384).toString('base64'))
const SECRET = 'the secret of cookie-parser'

const others = (): RequestHandler[] => [
  helmet(),
  cors({ origin: 'https://a.test', credentials: true }),
  cookieParser(SECRET),
  compression(),
]

const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) next(error)
  else response.status(500).send(ERROR_PAGE)
}

const FOLDER = fileURLToPath(new URL('../../docs', import.meta.url))
const FILE = readFileSync(join(FOLDER, 'http.md'), 'utf8')

/** What each route answers, after it has noted its path in the session. */
const ANSWERS: Readonly<Record<string, RequestHandler>> = {
  '/text': (_request, response) => response.type('txt').send(TEXT),
  '/json': (_request, response) => response.json({ text: TEXT }),
  '/file': (_request, response) => response.sendFile(join(FOLDER, 'http.md')),
  '/pieces': (_request, response) => {
    response.type('txt')
    for (let at = 0; at < TEXT.length; at += 1000) response.write(TEXT.slice(at, at + 1000))
    response.end()
  },
  '/stream': (_request, response) => {
    response.type('txt')
    Readable.from([TEXT.slice(0, 6000), TEXT.slice(6000)]).pipe(response)
  },
  '/large': (_request, response, next) => {
    response.type('txt')
    pipeline(async function* () {
      yield* LARGE
    }, response).catch(next)
  },
}
const BODIES: Readonly<Record<string, string>> = {
  '/large': LARGE.join(''),
  '/json': JSON.stringify({ text: TEXT }),
  '/file': FILE,
}

/** The paths that a session has seen are in it, one key for each. */
const note: RequestHandler = (request, _response, next) => {
  request.session.set(request.path, true).then(() => next(), next)
}

describe.each(Object.entries(VERSIONS))('beside %s', (_, create) => {
  const listen = (app: Express): Promise<TestServer> => listenOn('http', createServer(app))

  /** An application whose middlewares stand before the session, or after it. */
  function appWith(storage: Storage, place: 'before' | 'after' | 'none' = 'none'): Express {
    const app = create()
    if (place === 'before') app.use(...others())
    app.use(session(new Manager({ storage })))
    if (place === 'after') app.use(...others())
    app.get('/data', (request, response, next) => {
      request.session.data().then(data => response.json(data), next)
    })
    return app
  }

  describe.each(['before', 'after'] as const)('with other middlewares %s the session', place => {
    const start = (storage: Storage = new StorageMemory()): Promise<TestServer> => {
      const app = appWith(storage, place)
      app.get('/cookies', note, (request, response) => {
        response.cookie('plain', 'a b', { path: '/' })
        response.cookie('signed', 'c', { signed: true, httpOnly: true })
        response.json({ ...request.cookies, ...request.signedCookies })
      })
      for (const [path, answer] of Object.entries(ANSWERS)) app.get(path, note, answer)
      app.use(answerError)
      return listen(app)
    }

    it.each(Object.keys(ANSWERS))(
      'saves before the head of %s, and its body is whole',
      async path => {
        const { storage, written } = delayWrites(50)
        const server = await start(storage)
        let writtenAtHead = 0
        const answer = await ask(server, path, {
          headers: { 'accept-encoding': 'gzip', origin: 'https://a.test' },
          onHead: () => {
            writtenAtHead = written()
          },
        })
        expect([answer.status, writtenAtHead]).toEqual([200, 1])
        expect(answer.headers).toMatchObject({
          'content-encoding': 'gzip',
          'x-content-type-options': 'nosniff',
          'access-control-allow-origin': 'https://a.test',
        })
        expect(answer.headers['vary']).toMatch(/cookie/i)
        expect(answer.headers['vary']).toMatch(/accept-encoding/i)
        expect(answer.headers['vary']).toMatch(/origin/i)
        expect(gunzipSync(answer.body).toString()).toBe(BODIES[path] ?? TEXT)
        expect(await seen(server, cookieFrom(answer))).toEqual([path])
      },
    )

    it.each(Object.keys(ANSWERS))('answers HEAD for %s as it does GET, and saves', async path => {
      const server = await start(delayWrites(50).storage)
      const answer = await ask(server, path, { method: 'HEAD' })
      expect([answer.status, answer.text]).toEqual([200, ''])
      expect(await seen(server, cookieFrom(answer))).toEqual([path])
    })

    it.each(['/text', '/json', '/file'])(
      'answers 304 for %s by its etag, and saves',
      async path => {
        const server = await start(delayWrites(50).storage)
        const etag = (await ask(server, path)).headers['etag'] ?? ''
        expect(etag).not.toBe('')
        const answer = await ask(server, path, { headers: { 'if-none-match': etag } })
        expect([answer.status, answer.text]).toEqual([304, ''])
        expect(await seen(server, cookieFrom(answer))).toEqual([path])
      },
    )

    it('leaves the cookies of the application as they are, and sets one of its own', async () => {
      const server = await start()
      const browser = new Browser(server)
      const first = await browser.ask('/cookies')
      expect([first.text, first.setCookies.length]).toEqual(['{}', 3])
      expect(sessionCookies(first)).toHaveLength(1)
      const second = await browser.ask('/cookies')
      expect(JSON.parse(second.text)).toMatchObject({ plain: 'a b', signed: 'c' })
      expect(second.setCookies).toHaveLength(2)
    })

    it('answers an error page that can be read when the save fails', async () => {
      const { storage, failWith } = failOnDemand()
      const server = await start(storage)
      failWith(new Error('down'))
      for (const path of Object.keys(ANSWERS)) {
        const answer = await ask(server, path, { headers: { 'accept-encoding': 'gzip' } })
        expect([answer.status, readable(answer)], path).toEqual([500, ERROR_PAGE])
      }
    })
  })

  it('is one session when it is used for the application and for a router in it', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const app = create()
    app.use(session(manager))
    const router = create.Router()
    router.use(session(manager))
    router.get('/', note, (_request, response) => {
      response.send('sent')
    })
    app.use('/inner', note, router)
    const answer = await ask(await listen(app), '/inner')
    expect([answer.text, sessionCookies(answer).length]).toEqual(['sent', 1])
    expect(calls.filter(verb => verb === 'create')).toHaveLength(1)
  })

  it('can be mounted on a path, and leaves the rest without a session', async () => {
    const app = create()
    app.use('/shop', session(new Manager({ storage: new StorageMemory() })))
    app.use((request, response) => {
      response.send(`${'session' in request}`)
    })
    const server = await listen(app)
    const answers = [await ask(server, '/shop/cart'), await ask(server, '/blog')]
    expect(answers.map(({ text }) => text)).toEqual(['true', 'false'])
  })

  it('does not touch the storage for static files beside it', async () => {
    const { storage, calls } = countCalls()
    const app = appWith(storage).use(create.static(FOLDER))
    const answer = await askAs(`sid=${'x'.repeat(43)}`, await listen(app), '/http.md')
    expect([answer.status, answer.text, answer.setCookies]).toEqual([200, FILE, []])
    expect(answer.headers['vary']).toBeUndefined()
    expect(calls).toEqual([])
  })

  it('is saved before a redirect leaves', async () => {
    const app = appWith(delayWrites(50).storage)
    app.get('/login', note, (_request, response) => response.redirect(303, '/data'))
    const browser = new Browser(await listen(app))
    const { status, headers } = await browser.ask('/login')
    expect([status, headers['location']]).toEqual([303, '/data'])
    expect((await browser.ask('/data')).text).toBe('{"/login":true}')
  })

  it('is there for an error handler, after next(error) and after a failed save', async () => {
    const { storage, failWith } = failOnDemand()
    const app = appWith(storage)
    app.get('/next', note, (_request, _response, next) => next(new Error('oops')))
    app.get('/save', note, (_request, response) => response.redirect('/data'))
    const answerWithSession: ErrorRequestHandler = (error, request, response, _next) => {
      const user = request.session.get('user', 'nobody').catch(() => 'who knows')
      user.then(name => response.status(500).send(`${name}: ${error.message}`))
    }
    app.use(answerWithSession)
    const server = await listen(app)
    const thrown = await ask(server, '/next')
    expect([thrown.status, thrown.text]).toEqual([500, 'nobody: oops'])
    expect(await seen(server, cookieFrom(thrown))).toEqual(['/next'])
    failWith(new Error('down'))
    const failed = await ask(server, '/save')
    expect([failed.status, failed.text]).toEqual([
      500,
      'who knows: The session storage failed: down',
    ])
    expect(failed.setCookies).toEqual([])
  })

  it.each([
    ['passes it on', (next: () => void) => next()],
    ['only logs it', () => undefined],
  ])(
    'cuts the answer off when a save fails after its head, and the error handler %s',
    async (_, handle) => {
      const { storage, failWith } = failOnDemand()
      const app = appWith(storage)
      app.get('/login', note, (_request, response) => {
        response.sendStatus(200)
      })
      app.get('/late', async (request, response) => {
        response.write('half')
        failWith(new Error('down'))
        await request.session.set('late', true)
        response.end('of it')
      })
      const errors: unknown[] = []
      const answer: ErrorRequestHandler = (error, _request, _response, next) => {
        errors.push(error)
        handle(() => next(error))
      }
      app.use(answer)
      // So that Express's own handler does not print it.
      app.set('env', 'test')
      const server = await listen(app)
      const cookie = cookieFrom(await ask(server, '/login'))
      await expect(askAs(cookie, server, '/late')).rejects.toThrow(/aborted|hang up/)
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    },
  )
})

async function seen(server: TestServer, cookie: string): Promise<string[]> {
  return Object.keys(JSON.parse((await askAs(cookie, server, '/data')).text))
}

/** The text of an answer, as a client reads it that goes by the headers. */
function readable({ headers, body }: Answer): string {
  return (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
}
