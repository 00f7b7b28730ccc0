// gsession with its defaults: on each framework, with each storage.
import { Manager, StorageFile, StorageMemory } from 'gsession'
import { session as expressSession } from 'gsession/express'
import fastifySession from 'gsession/fastify'
import { session as fetchSession } from 'gsession/fetch'
import { session as honoSession } from 'gsession/hono'
import { session as nodeSession } from 'gsession/http'
import { session as koaSession } from 'gsession/koa'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { peer } from '../peers/index.mjs'
import {
  expressServer,
  fastifyServer,
  h3Server,
  honoServer,
  koaServer,
  nodeServer,
} from './frameworks.mjs'
import {
  ANSWER,
  answerTo,
  contended,
  counter,
  largeSession,
  sampleSession,
  textOf,
} from './work.mjs'

const STORAGES = {
  memory: () => new StorageMemory(),
  file: ({ folder }) => new StorageFile({ path: folder }),
  redis: ({ client, prefix }) => new StorageRedis({ client, prefix }),
  'redis cached': ({ client, prefix }) => new StorageRedis({ client, prefix, cache: true }),
  'redis hash': ({ client, prefix }) => new StorageRedisHashTable({ client, prefix }),
}

const next = counter()

/** What a request does, from its session. */
const uses = {
  untouched: () => ANSWER,
  read: async session => answerTo(await session.get('name')),
  write: async session => {
    await session.set('counter', next())
    return ANSWER
  },
  value: async session => textOf(await session.get('counter')),
  login: session => login(session, sampleSession),
  loginLarge: session => login(session, largeSession),
  logout: async session => {
    await session.removeAll()
    return ANSWER
  },
  contend: async (session, request) => {
    await session.set(...contended(request.headers))
    return ANSWER
  },
  contended: async session => JSON.stringify(await session.data()),
}

async function login(session, data) {
  await session.regenerateId()
  await session.setMap(data)
  return ANSWER
}

/** The works of a framework whose requests lead to their session in this way. */
function worksOf(sessionOf) {
  return Object.fromEntries(
    Object.entries(uses).map(([name, use]) => [name, request => use(sessionOf(request), request)]),
  )
}

const SERVERS = {
  'node:http': manager => nodeServer(worksOf(ofRequest), nodeSession(manager)),
  Express: manager => expressServer(worksOf(ofRequest), expressSession(manager)),
  Fastify: manager => fastifyServer(worksOf(ofRequest), [fastifySession, { manager }]),
  Koa: manager => koaServer(worksOf(ofRequest), app => app.use(koaSession(manager))),
  Hono: manager =>
    honoServer(
      worksOf(c => c.var.session),
      honoSession(manager),
    ),
  // As a middleware, as docs/adapters/fetch.md has it.
  h3: async manager => {
    const { toResponse } = await peer('h3')
    const withSession = fetchSession(manager)
    return h3Server(
      worksOf(event => event.context.session),
      (event, next) => {
        const answer = async (_request, session) => {
          event.context.session = session
          return toResponse(await next(), event)
        }
        return withSession(answer)(event.req)
      },
    )
  },
}

function ofRequest(request) {
  return request.session
}

const PAIRS = {
  'node:http': Object.keys(STORAGES),
  Express: ['memory', 'file', 'redis'],
  Fastify: ['memory', 'redis'],
  Koa: ['memory', 'redis'],
  Hono: ['memory', 'redis'],
  h3: ['memory'],
}

export const gsession = Object.entries(PAIRS).flatMap(([framework, storages]) =>
  storages.map(storage => ({
    library: 'ours',
    framework,
    storage,
    cookies: { logout: 1 },
    open: context => SERVERS[framework](new Manager({ storage: STORAGES[storage](context) })),
  })),
)
