// Operations of a session on each storage, one after another, each storage in a process of its own.
import { Manager, newSessionId, StorageFile, StorageMemory } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { createClient } from 'redis'
import { asProgram, openPart } from './parts.mjs'
import { startRedis } from './redis-server.mjs'
import { sampleSession } from './sample.mjs'
import { median, progress, spread } from './statistics.mjs'
import { tempFolder } from './temp-folder.mjs'

const SESSIONS = 256
/** How many operations are a sample. */
const TIMES = { memory: 20_000, file: 1000, 'redis KV': 2000, 'redis hash': 2000 }

/** Microseconds of each operation, alone and with nothing else to do: what a request adds at least. */
export async function benchStorages({ rounds, quick = false, names = Object.keys(TIMES) } = {}) {
  const rows = [await core(rounds ?? (quick ? 3 : 7))]
  for (const name of names) {
    rows.push(...(await benchStorage(name, rounds ?? (quick ? 3 : 7), quick)))
  }
  return rows
}

/** What needs no storage. */
async function core(rounds) {
  const samples = []
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now()
    for (let n = 0; n < 50_000; n++) newSessionId()
    if (round > 0) samples.push(((performance.now() - start) * 1000) / 50_000)
  }
  return { operation: 'make an id', microseconds: median(samples), spread: spread(samples) }
}

async function benchStorage(name, rounds, quick) {
  const { folder, remove } = tempFolder('storages')
  const redis = name.startsWith('redis') ? await startRedis(command => command) : undefined
  const part = openPart(import.meta.url, 'operate', { name, folder, url: redis?.url })
  try {
    const operations = await part.next()
    const samples = Object.fromEntries(operations.map(operation => [operation, []]))
    const times = quick ? TIMES[name] / 4 : TIMES[name]
    for (let round = 0; round <= rounds; round++) {
      progress(`storages, ${name}: round ${round} of ${rounds}`)
      for (const operation of operations) {
        const microseconds = await part.ask({ operation, times })
        // The first round warms up.
        if (round > 0) samples[operation].push(microseconds)
      }
    }
    return operations.map(operation => ({
      operation: `${name}: ${operation}`,
      microseconds: median(samples[operation]),
      spread: spread(samples[operation]),
    }))
  } finally {
    await part.close()
    redis?.stop()
    remove()
  }
}

async function operate({ name, folder, url }, listen) {
  const client =
    url &&
    (await createClient({ url })
      .on('error', () => undefined)
      .connect())
  const storages = {
    memory: () => new StorageMemory(),
    file: () => new StorageFile({ path: folder }),
    'redis KV': () => new StorageRedis({ client, prefix: 'kv:' }),
    'redis hash': () => new StorageRedisHashTable({ client, prefix: 'hash:' }),
  }
  const manager = new Manager({ storage: storages[name]() })
  const ids = []
  for (let n = 0; n < SESSIONS; n++) ids.push(await begin(manager))
  const operations = operationsOn(manager, ids)
  await check(manager, ids[0], operations)
  listen(
    async ({ operation, times }) => {
      const work = operations[operation]
      const start = performance.now()
      for (let n = 0; n < times; n++) await work(n)
      return ((performance.now() - start) * 1000) / times
    },
    async () => {
      await manager.close()
      client?.destroy()
    },
  )
  return Object.keys(operations)
}

function operationsOn(manager, ids) {
  const open = n => manager.new(ids[n % SESSIONS])
  return {
    'get one key': n => open(n).get('name'),
    data: n => open(n).data(),
    async 'set and close'(n) {
      const session = open(n)
      await session.set('visits', n)
      await session.close()
    },
    update: n => open(n).update('visits', (visits = 0) => visits + 1),
    async 'begin and remove'() {
      await manager.new(await begin(manager)).removeAll()
    },
  }
}

/** Each operation does what it says, on the first session. */
async function check(manager, id, operations) {
  const name = await operations['get one key'](0)
  await operations['set and close'](0)
  await operations.update(0)
  await operations['begin and remove']()
  const { visits } = await manager.new(id).data()
  const data = await operations.data(0)
  const isRight = name === sampleSession.name && visits === 1 && data.visits === 1
  if (!isRight) throw new Error('a wrong answer')
}

async function begin(manager) {
  const session = manager.new()
  await session.setMap(sampleSession)
  await session.close()
  return session.id()
}

async function asRows(options) {
  const rows = await benchStorages(options)
  return rows.map(({ operation, microseconds, ...row }) => {
    return { name: operation, value: microseconds, unit: 'µs', ...row }
  })
}

await asProgram(import.meta.url, asRows, { operate })
