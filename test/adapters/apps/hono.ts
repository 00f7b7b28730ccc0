import { type SessionVariables, session } from 'gsession/hono'
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Adapter, type AppOptions, ERROR_PAGE } from '../adapter.ts'
import { serveFetch, streamOf } from './serve-fetch.ts'

function appOf(app: AppOptions) {
  const application = new Hono<{ Variables: SessionVariables }>()
  application.onError((error, context) => {
    app.errors.push(error)
    return context.text(ERROR_PAGE, 500)
  })
  application.use(session(app.manager, app.options))
  for (const [path, route] of Object.entries(app.routes)) {
    application.all(path, async context => {
      const { method } = context.req
      const query = new URL(context.req.url).searchParams
      const text = method === 'POST' ? await context.req.text() : ''
      const reply = await route(context.var.session, { method, query, text })
      const { status = 200, headers = {}, body } = reply
      for (const [name, value] of Object.entries(headers)) {
        for (const line of [value].flat()) context.header(name, line, { append: true })
      }
      // Hono's types have statuses with and without a body; here they are the contract's.
      const code = status as ContentfulStatusCode
      if (body === undefined) return context.newResponse(null, code)
      return context.body(typeof body === 'string' ? body : streamOf(body), code)
    })
  }
  return application
}

/** Hono as its users use it on Node. */
export const honoAdapter: Adapter = {
  name: 'Hono',
  kinds: ['http', 'https', 'h2c', 'h2'],
  serve: async app => serveFetch(app.kind, appOf(app).fetch),
}
