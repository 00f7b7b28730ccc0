// One application of each framework, the same for bare, gsession and peers: one route, `/CASE`,
// which answers with what the work of that case returns. A work is handed the request in the
// framework's own form, and may return a promise.
import { createServer } from 'node:http'
import { peer } from '../peers/index.mjs'

/** `wrap` puts a session around the listener. */
export function nodeServer(works, wrap = listener => listener) {
  return createServer(
    wrap(async (request, response) => {
      response.end(await works[request.url.slice(1)](request, response))
    }),
  )
}

/** Without the X-Powered-By header, as Express recommends for production. */
export async function expressServer(works, ...middleware) {
  const { default: express } = await peer('express')
  const app = express().disable('x-powered-by')
  for (const each of middleware) app.use(each)
  app.get('/:case', async (request, response) => {
    response.end(await works[request.params.case](request, response))
  })
  return createServer(app)
}

/** Without a logger, which is the default. `plugins` are pairs of a plugin and its options. */
export async function fastifyServer(works, ...plugins) {
  const { default: fastify } = await peer('fastify')
  const app = fastify()
  for (const [plugin, options] of plugins) await app.register(plugin, options)
  app.get('/:case', async (request, reply) => works[request.params.case](request, reply))
  await app.ready()
  return app.server
}

/** `prepare` is handed the application, for its middleware. */
export async function koaServer(works, prepare = () => undefined) {
  const { default: Koa } = await peer('koa')
  const app = new Koa()
  prepare(app)
  app.use(async ctx => {
    ctx.body = await works[ctx.path.slice(1)](ctx)
  })
  return createServer(app.callback())
}

export async function honoServer(works, ...middleware) {
  const { Hono } = await peer('hono')
  const { createAdaptorServer } = await peer('@hono/node-server')
  const app = new Hono()
  for (const each of middleware) app.use(each)
  app.get('/:case', async c => c.text(await works[c.req.param('case')](c)))
  return createAdaptorServer({ fetch: app.fetch })
}

export async function h3Server(works, ...middleware) {
  const { H3, toNodeHandler } = await peer('h3')
  const app = new H3()
  for (const each of middleware) app.use(each)
  app.get('/:case', event => works[event.context.params.case](event))
  return createServer(toNodeHandler(app))
}
