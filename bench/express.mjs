// Applications of Express, with gsession and with express-session: what they do is the same.
import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { session } from 'gsession/express'
import { sampleSession } from './sample.mjs'

const require = createRequire(new URL('./peers/package.json', import.meta.url))
const express = require('express')
const expressSession = require('express-session')
const { RedisStore } = require('connect-redis')
const SECRET = 'bench'

/** The cases, by name. Each has its application, and the ids of the sessions that it knows. */
export async function expressCases({ manager, client, ids, body }) {
  const store = new RedisStore({ client, prefix: 'express-session:' })
  const theirs = expressSession({
    ...{ store, secret: SECRET, name: 'sid' },
    ...{ resave: false, saveUninitialized: false, cookie: { maxAge: 86_400_000 } },
  })
  const theirIds = await Promise.all(ids.map(id => beginInExpressSession(store, id)))
  let counter = 0
  return {
    'bare Express': app((_request, response) => response.end(body)),
    'read, gsession in Express': app(session(manager), async (request, response) => {
      const name = await request.session.get('name')
      response.end(name === 'Ada Lovelace' ? body : 'wrong')
    }),
    'read, express-session': app(theirs, (request, response) => {
      response.end(request.session.name === 'Ada Lovelace' ? body : 'wrong')
    }),
    'write, gsession in Express': app(session(manager), async (request, response) => {
      await request.session.set('counter', ++counter)
      response.end(body)
    }),
    'write, express-session': app(theirs, (request, response) => {
      request.session.counter = ++counter
      response.end(request.session.name === 'Ada Lovelace' ? body : 'wrong')
    }),
  }

  function app(...handlers) {
    const application = express().disable('x-powered-by')
    for (const handler of handlers.slice(0, -1)) application.use(handler)
    application.get('/', handlers.at(-1))
    return { application, ids: handlers[0] === theirs ? theirIds : ids }
  }
}

async function beginInExpressSession(store, id) {
  const cookie = {
    originalMaxAge: 86_400_000,
    expires: new Date(Date.now() + 86_400_000),
    path: '/',
  }
  await store.set(id, { cookie, ...sampleSession })
  const signature = createHmac('sha256', SECRET).update(id).digest('base64').replace(/=+$/, '')
  return encodeURIComponent(`s:${id}.${signature}`)
}
