import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type HasSession, session } from 'gsession/http'
import { listen } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE, type Reply } from '../adapter.ts'

type Values = Record<string, unknown>

async function answer(
  { routes }: AppOptions,
  request: IncomingMessage & HasSession<Values>,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const { method = 'GET' } = request
  const body = await text(request)
  const reply = await routes[pathname]?.(request.session, {
    method,
    query: searchParams,
    text: body,
  })
  await send(response, reply ?? { status: 404 })
}

async function send(response: ServerResponse, { status = 200, headers = {}, body }: Reply) {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (body === undefined || typeof body === 'string') response.end(body)
  else await pipeline(Readable.from(body), response)
}

/** Servers of Node itself, as their users write them, of the kinds that browsers speak to. */
export const nodeAdapter: Adapter = {
  name: 'node:http',
  kinds: ['http', 'https', 'h2'],
  serve(app) {
    const withSession = session(app.manager, {
      ...app.options,
      onError(error, _request, response) {
        app.errors.push(error)
        response.statusCode = 500
        response.end(ERROR_PAGE)
      },
    })
    return listen(
      app.kind,
      withSession((request, response) => answer(app, request, response)),
    )
  },
}
