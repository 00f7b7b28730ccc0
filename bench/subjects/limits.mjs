// What a session must cost at least, written by hand on node:http: no expiry that slides, no merge,
// no protection of a session that was removed.
import { randomBytes } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeServer } from './frameworks.mjs'
import {
  ANSWER,
  answerTo,
  counter,
  idOfVisitor,
  largeSession,
  sampleSession,
  TTL_SECONDS,
  textOf,
} from './work.mjs'

const next = counter()

export const limits = [
  {
    library: 'Map by hand',
    framework: 'node:http',
    storage: 'memory',
    cases: ['read'],
    open: () => nodeServer(memoryWorks()),
  },
  {
    library: 'GET by hand',
    framework: 'node:http',
    storage: 'redis',
    cases: ['read'],
    open: context => nodeServer(redisWorks(context)),
  },
  {
    library: 'GET + SET by hand',
    framework: 'node:http',
    storage: 'redis',
    cases: ['write'],
    open: context => nodeServer(redisWorks(context)),
  },
  {
    // The plainest atomic write, of the bytes that a session has.
    library: 'write + rename',
    framework: 'node:http',
    storage: 'file',
    cases: ['write'],
    open: context => nodeServer(fileWorks(context)),
  },
]

/** Answers a promise, as a session does whose storage may be asked, and keeps caches from mixing visitors. */
function memoryWorks() {
  const sessions = new Map()
  const load = async request => sessions.get(idOfVisitor(request))
  const login = (response, data) => {
    sessions.set(setId(response), data)
    return ANSWER
  }
  return {
    read: async (request, response) => {
      const data = await load(request)
      response.setHeader('Vary', 'Cookie')
      return answerTo(data?.name)
    },
    login: (_request, response) => login(response, sampleSession),
    loginLarge: (_request, response) => login(response, largeSession),
  }
}

/** With the same client as gsession. */
function redisWorks({ client, prefix }) {
  const redisKeyOf = request => prefix + idOfVisitor(request)
  const load = async request => JSON.parse(await client.get(redisKeyOf(request)))
  const save = (redisKey, data) => client.set(redisKey, JSON.stringify(data), { EX: TTL_SECONDS })
  const login = async (response, data) => {
    const id = setId(response)
    await save(prefix + id, data)
    return ANSWER
  }
  return {
    read: async request => answerTo((await load(request))?.name),
    write: async request => {
      const data = await load(request)
      data.counter = next()
      await save(redisKeyOf(request), data)
      return ANSWER
    },
    value: async request => textOf((await load(request)).counter),
    login: (_request, response) => login(response, sampleSession),
    loginLarge: (_request, response) => login(response, largeSession),
  }
}

function fileWorks({ folder }) {
  const records = new Map()
  const login = (response, data) => {
    records.set(setId(response), Buffer.from(JSON.stringify(data)))
    return ANSWER
  }
  return {
    write: request => {
      const id = idOfVisitor(request)
      const path = join(folder, id)
      writeFileSync(`${path}.tmp`, records.get(id))
      renameSync(`${path}.tmp`, path)
      return ANSWER
    },
    login: (_request, response) => login(response, sampleSession),
    loginLarge: (_request, response) => login(response, largeSession),
  }
}

function setId(response) {
  const id = randomBytes(32).toString('base64url')
  response.setHeader('Set-Cookie', `sid=${id}; Path=/; HttpOnly; SameSite=Lax`)
  return id
}
