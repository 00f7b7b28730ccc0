// One server under test: node bench/http-server.mjs CASE STORAGE [REDIS]. Says its port, answers for its CPU time.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeData, Manager, StorageFile, StorageMemory } from 'gsession'
import { session } from 'gsession/http'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { createClient } from 'redis'
import { expressCases } from './express.mjs'
import { sampleSession } from './sample.mjs'

const [, , name, storageName, redisUrl] = process.argv
const folder = mkdtempSync(join(tmpdir(), 'gsession-bench-'))
// Without the timeout of node-redis 6, which would slow down the handlers written by hand four times.
const client = createClient({ url: redisUrl, commandOptions: { timeout: undefined } })
// At the end the server goes first.
client.on('error', () => undefined)
if (redisUrl) await client.connect()
const storages = {
  memory: () => new StorageMemory(),
  file: () => new StorageFile({ path: folder }),
  redis: () => new StorageRedis({ client, prefix: 'bench:' }),
  'redis, cached': () => new StorageRedis({ client, prefix: 'cached:', cache: true }),
  'redis hash': () => new StorageRedisHashTable({ client, prefix: 'hash:' }),
}
const manager = new Manager({ storage: storages[storageName]() })
const body = 'x'.repeat(32)
const bytes = Buffer.from(`12345678${encodeData(sampleSession)}`)
let counter = 0

const handlers = {
  bare: (_request, response) => response.end(body),
  untouched: session(manager)((_request, response) => response.end(body)),
  read: session(manager)(async (request, response) => {
    const user = await request.session.get('name')
    response.end(user === 'Ada Lovelace' ? body : 'wrong')
  }),
  'write + rename': (_request, response) => {
    writePlainly(counter++ % 256)
    response.end(body)
  },
  'GET by hand': async (request, response) => {
    const data = JSON.parse(await client.get(keyByHand(request)))
    response.end(data.name === 'Ada Lovelace' ? body : 'wrong')
  },
  'GET + SET by hand': async (request, response) => {
    const key = keyByHand(request)
    const data = JSON.parse(await client.get(key))
    data.counter = ++counter
    await client.set(key, JSON.stringify(data), { EX: 86_400 })
    response.end(body)
  },
  write: session(manager)(async (request, response) => {
    await request.session.set('counter', ++counter)
    response.end(body)
  }),
}

/** The plainest atomic write: what any file storage must do at least. */
function writePlainly(number) {
  const path = join(folder, `plain-${number}`)
  writeFileSync(`${path}.tmp`, bytes)
  renameSync(`${path}.tmp`, path)
}

const ids = await Promise.all(
  Array.from({ length: 256 }, async () => {
    const made = manager.new()
    await made.setMap(sampleSession)
    await made.close()
    return made.id()
  }),
)

if (redisUrl) {
  for (const id of ids) await client.set(`hand:${id}`, encodeData(sampleSession), { EX: 86_400 })
}

function keyByHand(request) {
  return `hand:${/sid=([^;]+)/.exec(request.headers.cookie)[1]}`
}

const { application = handlers[name], ids: cookies = ids } = name.includes('xpress')
  ? (await expressCases({ manager, client, ids, body }))[name]
  : {}
const server = createServer(application).listen(0, () => {
  process.send({ port: server.address().port, ids: cookies })
})
process.on('message', message => {
  if (message === 'cpu') process.send({ cpu: process.cpuUsage() })
})
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit()
})
