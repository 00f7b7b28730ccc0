import { createServer } from 'node:http'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import express4 from 'express-4'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import { describe, expect, it } from 'vitest'
import { ask } from '../helpers/http-client.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'

const VERSIONS = { 'Express 5': express, 'Express 4': express4 }

interface Site {
  readonly server: TestServer
  /** What the error handling of the application heard. */
  readonly errors: unknown[]
}

describe.each(Object.entries(VERSIONS))('%s', (_, create) => {
  async function start(
    handler: RequestHandler,
    storage = delayWrites(20).storage,
    answerError: ErrorRequestHandler = () => {},
  ): Promise<Site> {
    const errors: unknown[] = []
    const noteError: ErrorRequestHandler = (error, request, response, next) => {
      errors.push(error)
      answerError(error, request, response, next)
    }
    const app = create()
    app.use(session(new Manager({ storage })))
    app.get('/', (request, response, next) => {
      Promise.resolve(handler(request, response, next)).catch(next)
    })
    app.use(noteError)
    return { server: await listenOn('http', createServer(app)), errors }
  }

  it.each([
    ['the application', ['application']],
    ['the router itself', ['router', 'application']],
  ])('hands a failed save of a nested router to the error handlers of %s', async (place, told) => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error('down'), 'create')
    const middleware = session(new Manager({ storage }))
    const heard: unknown[] = []
    const hear =
      (name: string): ErrorRequestHandler =>
      (error, _request, _response, next) => {
        heard.push([name, error.code])
        next(error)
      }
    const app = create()
    const router = create.Router()
    if (place === 'the application') app.use(middleware)
    else router.use(middleware)
    router.get('/', (request, response, next) => {
      request.session.set('user', 'ann').then(() => response.send('fine'), next)
    })
    router.use(hear('router'))
    app.use('/nested', router)
    app.use(hear('application'))
    const answerError: ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(503).send('the error page')
    }
    app.use(answerError)
    const answer = await ask(await listenOn('http', createServer(app)), '/nested')
    expect([answer.status, answer.text]).toEqual([503, 'the error page'])
    expect(heard).toEqual(told.map(name => [name, 'ERR_STORAGE']))
  })

  it('refuses a second answer as it does without a session, and sends the first', async () => {
    const { server, errors } = await start(async (request, response) => {
      await request.session.set('user', 'ann')
      response.send('one')
      response.send('another one')
    })
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([200, 'one'])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' })])
  })

  it('lets the first answer go when the handler throws after it', async () => {
    const { server, errors } = await start(async (request, response) => {
      await request.session.set('user', 'ann')
      response.send('fine')
      throw new Error('oops')
    })
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([200, 'fine'])
    expect(errors).toEqual([new Error('oops')])
  })

  it.each(['/redirect', '/json', '/download'])(
    'says nothing on the error page that was said of the answer it replaces (%s)',
    async way => {
      const { storage, failWith } = failOnDemand(new StorageMemory())
      failWith(new Error('down'), 'create')
      const answers: Readonly<Record<string, RequestHandler>> = {
        '/redirect': (_request, response) => response.redirect('/elsewhere'),
        '/json': (_request, response) => response.json({ a: 1 }),
        '/download': (_request, response) =>
          response.download('package.json', 'report.json', { maxAge: '1d', root: process.cwd() }),
      }
      const { server, errors } = await start(
        async (request, response, next) => {
          await request.session.set('user', 'ann')
          answers[way]?.(request, response, next)
        },
        storage,
        (_error, _request, response, next) => {
          if (response.headersSent) next()
          else response.status(500).send('the error page')
        },
      )
      const answer = await ask(server)
      expect([answer.status, answer.text]).toEqual([500, 'the error page'])
      expect(answer.headers['content-type']).toMatch(/^text\/html/)
      for (const name of ['location', 'cache-control', 'last-modified', 'content-disposition']) {
        expect(answer.headers).not.toHaveProperty(name)
      }
      expect(errors[0]).toMatchObject({ code: 'ERR_STORAGE' })
    },
  )
})
