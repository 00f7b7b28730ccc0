// The frameworks without any session: what a request costs at least.
import {
  expressServer,
  fastifyServer,
  h3Server,
  honoServer,
  koaServer,
  nodeServer,
} from './frameworks.mjs'
import { ANSWER } from './work.mjs'

const SERVERS = {
  'node:http': nodeServer,
  Express: expressServer,
  Fastify: fastifyServer,
  Koa: koaServer,
  Hono: honoServer,
  h3: h3Server,
}

export const bare = Object.entries(SERVERS).map(([framework, open]) => ({
  library: 'bare',
  framework,
  storage: 'none',
  cases: ['bare'],
  open: () => open({ bare: () => ANSWER }),
}))
