// What bench/footprint/growth.mjs measures: each storage, and beside it the plainest use of the same
// store, filled with as many sessions as wanted.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeData, Manager, StorageFile, StorageMemory } from 'gsession'
import { session as nodeSession } from 'gsession/http'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { createClient } from 'redis'
import { nodeServer } from '../subjects/frameworks.mjs'
import { ANSWER, counter, idOfVisitor, WRONG } from '../subjects/work.mjs'
import { atRest, DAY, idOf, writeFiles } from './sessions.mjs'
import { smallSession, storedRecord, storedSession } from './small-session.mjs'

/** What a read answers. */
export const EXPECTED = smallSession.userId
const PREFIX = 'growth:'
const BATCH = 1000

/**
 * By name: what makes `read` and `write` of a session by its id, `refresh` of many, and a `server` that
 * reads and writes the session of its visitor. Those that keep sessions in their process store `count` of
 * them first.
 */
export const SUBJECTS = {
  async memory({ count }) {
    const storage = new StorageMemory()
    for (let n = 0; n < count; n++) await storage.setSession(atRest(idOf(n)), storedSession, DAY)
    return throughSessions(storage)
  },
  async map({ count }) {
    const records = new Map()
    for (let n = 0; n < count; n++) records.set(idOf(n), encodeData(storedSession))
    return byHand({
      read: async id => JSON.parse(records.get(id)).userId,
      async write(id, visits) {
        records.set(id, JSON.stringify({ ...JSON.parse(records.get(id)), visits }))
      },
    })
  },
  file: ({ folder }) => throughSessions(new StorageFile({ path: folder })),
  'file, one cached': ({ folder }) =>
    throughSessions(new StorageFile({ path: folder, maxCached: 1 })),
  'file by hand': ({ folder }) =>
    byHand({
      read: async id => JSON.parse(readFileSync(pathOf(folder, id)).toString('utf8', 8)).userId,
      async write(id, visits) {
        const bytes = readFileSync(pathOf(folder, id))
        const data = { ...JSON.parse(bytes.toString('utf8', 8)), visits }
        const changed = Buffer.concat([bytes.subarray(0, 8), Buffer.from(JSON.stringify(data))])
        writeFileSync(`${pathOf(folder, id)}.tmp`, changed)
        renameSync(`${pathOf(folder, id)}.tmp`, pathOf(folder, id))
      },
    }),
  async kv({ url }) {
    const client = await connect(url)
    return throughSessions(new StorageRedis({ client, prefix: PREFIX }), client)
  },
  async 'kv by hand'({ url }) {
    const client = await connect(url)
    return byHand({
      read: async id => JSON.parse(await client.get(PREFIX + atRest(id))).userId,
      async write(id, visits) {
        const data = { ...JSON.parse(await client.get(PREFIX + atRest(id))), visits }
        await client.set(PREFIX + atRest(id), JSON.stringify(data), {
          expiration: { type: 'PX', value: DAY },
        })
      },
      close: () => client.destroy(),
    })
  },
  async hash({ url }) {
    const client = await connect(url)
    return throughSessions(new StorageRedisHashTable({ client, prefix: PREFIX }), client)
  },
  async 'hash by hand'({ url }) {
    const client = await connect(url)
    return byHand({
      read: async id => JSON.parse(await client.hGet(PREFIX + atRest(id), 'userId')),
      async write(id, visits) {
        const key = PREFIX + atRest(id)
        await client.multi().hSet(key, 'visits', String(visits)).pExpire(key, DAY).exec()
      },
      close: () => client.destroy(),
    })
  },
}

/** Stores sessions where the subjects in other processes look for them. */
export const FILLERS = {
  file: ({ folder, count }) => writeFiles(folder, 0, count, Date.now()),
  kv: ({ url, count }) =>
    fillRedis(url, count, (client, key) =>
      client.set(key, storedRecord, { expiration: { type: 'PX', value: DAY } }),
    ),
  async hash({ url, count }) {
    const fields = await fieldsOfOne(url)
    await fillRedis(url, count, (client, key) => [
      client.hSet(key, fields),
      client.pExpire(key, DAY),
    ])
  },
}

/** The fields that the storage makes of such a session. */
async function fieldsOfOne(url) {
  const client = await connect(url)
  const storage = new StorageRedisHashTable({ client, prefix: PREFIX })
  await storage.setSession(atRest(idOf(0)), storedSession, DAY)
  const fields = await client.hGetAll(PREFIX + atRest(idOf(0)))
  await storage.close()
  client.destroy()
  return { ...fields }
}

/**
 * Through the manager, which is to refresh no ttl meanwhile: that is measured by itself, since it is
 * once an interval for each session, however often it was read.
 */
function throughSessions(storage, client) {
  const manager = new Manager({ storage, refreshInterval: '1h' })
  return {
    server: nodeServer(
      {
        read: async ({ session }) => answerTo(await session.get('userId')),
        async write({ session }) {
          await session.set('visits', next())
          return ANSWER
        },
      },
      nodeSession(manager),
    ),
    refresh: accessedAt => storage.refresh(accessedAt, DAY),
    read: id => manager.new(id).get('userId'),
    async write(id, visits) {
      const session = manager.new(id)
      await session.set('visits', visits)
      await session.close()
    },
    async close() {
      await manager.close()
      client?.destroy()
    },
  }
}

/** Adds the server to what knows a session by its id. */
function byHand({ read, write, close }) {
  const server = nodeServer({
    read: async request => answerTo(await read(idOfVisitor(request))),
    async write(request) {
      await write(idOfVisitor(request), next())
      return ANSWER
    },
  })
  return { server, read, write, close }
}

const next = counter()

function answerTo(userId) {
  return userId === EXPECTED ? ANSWER : WRONG
}

async function fillRedis(url, count, store) {
  const client = await connect(url)
  for (let from = 0; from < count; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => from + n)
    await Promise.all(numbers.flatMap(number => store(client, PREFIX + atRest(idOf(number)))))
  }
  if ((await client.dbSize()) !== count) throw new Error(`expected ${count} sessions in Redis`)
  client.destroy()
}

/** Without the timeout of node-redis 6, which would slow down what is written by hand four times. */
async function connect(url) {
  const client = createClient({ url, commandOptions: { timeout: undefined } })
  client.on('error', () => undefined)
  return client.connect()
}

function pathOf(folder, id) {
  return join(folder, `${atRest(id)}.session`)
}
