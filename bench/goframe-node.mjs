// Node's side of bench/goframe.mjs: node bench/goframe-node.mjs PLACE IDS, where PLACE is where sessions
// are kept, as interop/storages.go has it, and IDS is `plain` as in GoFrame, or `hashed`. Takes orders
// and answers, a line of JSON each, as bench/orders does.
import { createInterface } from 'node:readline'
import { Manager, StorageFile, StorageMemory } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { createClient } from 'redis'

const [, , placeText, idAtRest] = process.argv
const { kind, path, redis, prefix, ttl } = JSON.parse(placeText)
const client = redis ? createClient({ url: `redis://${redis}` }) : undefined
// At the end the server may go first.
client?.on('error', () => undefined)
await client?.connect()

const storages = {
  memory: () => new StorageMemory(),
  file: () => new StorageFile({ path }),
  kv: () => new StorageRedis({ client, prefix, idAtRest }),
  hash: () => new StorageRedisHashTable({ client, prefix, idAtRest }),
}
const manager = new Manager({ storage: storages[kind](), ttl, idAtRest })
const ids = []

const orders = {
  async fill({ sessions, data }) {
    for (let n = 0; n < sessions; n++) {
      const session = manager.new()
      await session.setMap(data)
      await session.close()
      ids.push(await session.id())
    }
    return ids.length
  },
  /** Writes to each session, and tells what the last one says then. */
  async check() {
    let said
    for (const [n, id] of ids.entries()) {
      await write(n)
      const session = manager.new(id)
      said = { name: await session.get('name'), visits: await session.get('visits') }
      if (said.visits !== n) throw new Error(`expected ${n} visits, got ${said.visits}`)
    }
    return said
  },
  read: order => timed(order, read),
  write: order => timed(order, write),
}

async function read(n) {
  const session = manager.new(ids[n % ids.length])
  if ((await session.get('name')) !== 'Ada Lovelace') throw new Error('a wrong answer')
  await session.close()
}

async function write(n) {
  const session = manager.new(ids[n % ids.length])
  await session.set('visits', n)
  await session.close()
}

/** Does the work so many times, so many at a time. */
async function timed({ count, parallel }, work) {
  let next = 0
  const task = async () => {
    while (next < count) await work(next++)
  }
  const start = performance.now()
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: parallel }, task))
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  console.log(JSON.stringify(await orders[order.do](order)))
}
await manager.close()
client?.destroy()
