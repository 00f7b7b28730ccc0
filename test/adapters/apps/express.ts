import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express, { type ErrorRequestHandler, type Express, type Response } from 'express'
import express4 from 'express-4'
import { session } from 'gsession/express'
import { listenOn, tlsOf } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE, type Reply } from '../adapter.ts'

const VERSIONS = { 'Express 5': express, 'Express 4': express4 }

async function send(response: Response, { status = 200, headers = {}, body }: Reply) {
  response.status(status)
  for (const [name, value] of Object.entries(headers)) response.set(name, value as string)
  if (body === undefined || typeof body === 'string') response.end(body)
  else await pipeline(Readable.from(body), response)
}

function appOf(create: typeof express, app: AppOptions): Express {
  const application = create()
  application.use(session(app.manager, app.options))
  application.use(create.text())
  for (const [path, route] of Object.entries(app.routes)) {
    application.all(path, (request, response, next) => {
      const query = new URL(request.url, 'http://localhost').searchParams
      const text = typeof request.body === 'string' ? request.body : ''
      Promise.resolve()
        .then(() => route(request.session, { method: request.method, query, text }))
        .then(reply => send(response, reply))
        .catch(next)
    })
  }
  const answerError: ErrorRequestHandler = (error, _request, response, next) => {
    app.errors.push(error)
    if (response.headersSent) next(error)
    else response.status(500).send(ERROR_PAGE)
  }
  application.use(answerError)
  return application
}

/** Express as its users use it, in both versions. */
export const expressAdapters: readonly Adapter[] = Object.entries(VERSIONS).map(
  ([name, create]) => ({
    name,
    kinds: ['http', 'https'],
    serve(app) {
      const application = appOf(create, app)
      const server =
        app.kind === 'https' ? createHttps(tlsOf(), application) : createHttp(application)
      return listenOn(app.kind, server)
    },
  }),
)
