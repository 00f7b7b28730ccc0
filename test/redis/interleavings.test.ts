import type { Manager } from 'gsession'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  Interleaving,
  type Program,
  type Records,
  type Step,
  seeded,
} from '../fixtures/redis-interleaving.ts'
import {
  connect,
  immortalKeys,
  KIND_NAMES,
  type KindName,
  openManager,
  type RedisKind,
} from '../fixtures/redis-lab.ts'
import { inLong } from '../helpers/long.ts'
import { CLUSTER_CLIENTS, type Connected } from './clients.ts'
import {
  type RedisCluster,
  type RedisServer,
  SERVER_KINDS,
  startCluster,
  startServer,
} from './servers/index.ts'

/** Given one of a failure, the same programs run again. */
const SEED = Number(process.env['GSESSION_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const BATCH = 500
const PREFIX = 'run:'

const ALL: readonly Step[] = [
  ...(['read', 'get', 'set', 'set', 'save', 'save', 'update', 'update'] as const),
  ...(['drop', 'refresh', 'logOut', 'move', 'copy'] as const),
]
/** Those after which there is still one session, under whatever id. */
const KEEPING: readonly Step[] = ['read', 'get', 'set', 'save', 'update', 'refresh', 'move', 'move']

let random = seeded(SEED)
const chosen = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

/** Two or three requests of two to four steps. */
function programOf(steps: readonly Step[]): Program {
  const request = () => Array.from({ length: chosen([2, 3, 4]) }, () => chosen(steps))
  return Array.from({ length: chosen([2, 3]) }, () => [...request(), 'save'])
}

/** Runs so many, a batch at the same time. After each batch everything that is stored is looked at. */
async function runMany(
  count: number,
  steps: readonly Step[],
  managers: readonly Manager[],
  servers: readonly RedisServer[],
): Promise<void> {
  random = seeded(SEED)
  for (let done = 0; done < count; done += BATCH) {
    const runs = Array.from({ length: Math.min(BATCH, count - done) }, (_, index) => {
      return new Interleaving(`r${done + index}`, programOf(steps), managers, () => random())
    })
    await Promise.all(runs.map(run => run.run()))
    for (const server of servers) expect(await immortalKeys(server)).toEqual([])
    const records = await readAll(managers[0]?.storage as RedisKind, servers)
    for (const run of runs) {
      const mine = records.get(run.name) ?? new Map()
      const faults = run.faults(mine)
      if (faults.length > 0) {
        throw new Error(`GSESSION_SEED=${SEED}: ${faults.join(', ')}\n${run.describe(mine)}`)
      }
    }
    for (const server of servers) await server.call('FLUSHALL')
  }
}

/** Everything that is stored: for each run, the data by id. */
async function readAll(
  storage: RedisKind,
  servers: readonly RedisServer[],
): Promise<Map<string, Records>> {
  const keys = await Promise.all(servers.map(server => server.call('KEYS', '*')))
  const all = new Map<string, Map<string, Record<string, unknown>>>()
  const reads = keys
    .flat()
    .map(String)
    .filter(isSession)
    .map(async key => {
      const id = key.slice(PREFIX.length)
      const [name = ''] = id.split('-')
      const data = await storage.getSession(id, 0)
      if (!all.has(name)) all.set(name, new Map())
      if (data !== undefined) all.get(name)?.set(id, data)
    })
  await Promise.all(reads)
  return all
}

/** Notes of where a session has moved stand beside the sessions for a minute. */
function isSession(key: string): boolean {
  return !key.endsWith(':moved')
}

function open(kind: KindName, clients: readonly Connected[]): Manager[] {
  const options = { idAtRest: 'plain', refreshInterval: '1h', redis: { timeout: '20s' } } as const
  return clients.map(client => openManager(kind, client, PREFIX, options))
}

describe('requests on one session in random interleavings', () => {
  let server: RedisServer
  let clients: Connected[]
  beforeAll(async () => {
    const kind = SERVER_KINDS.at(-1)
    server = await startServer(kind === undefined ? {} : { kind })
    clients = await Promise.all(
      ['node-redis 6', 'ioredis 6', 'node-redis 5'].map(name => connect(server, name)),
    )
  })
  afterAll(async () => {
    for (const client of clients) await client.close()
    await server.close()
  })
  beforeEach(() => server.call('FLUSHALL'))

  it.each(KIND_NAMES)('revive no session and lose no key, %s', async kind => {
    const managers = open(kind, clients)
    await runMany(inLong(7000, 1500), ALL, managers, [server])
    await runMany(inLong(3000, 500), KEEPING, managers, [server])
    // Slides the ttls of all that was read, of which nothing is left.
    for (const manager of managers) await manager.close()
    expect(await server.call('DBSIZE')).toBe(0)
  })
})

describe('requests on one session of a Cluster in random interleavings', () => {
  let cluster: RedisCluster
  let clients: Connected[]
  beforeAll(async () => {
    cluster = await startCluster()
    const connects = Object.values(CLUSTER_CLIENTS).slice(0, 3)
    clients = await Promise.all(connects.map(connectOne => connectOne(cluster)))
  })
  afterAll(async () => {
    for (const client of clients) await client.close()
    await cluster.close()
  })
  beforeEach(() => cluster.flush())

  it.each(KIND_NAMES)('leave one usable session, and keep what was stored, %s', async kind => {
    const managers = open(kind, clients)
    // The first three of the nodes are the masters.
    await runMany(inLong(500, 200), KEEPING, managers, cluster.nodes.slice(0, 3))
    await runMany(inLong(500, 200), ALL, managers, cluster.nodes.slice(0, 3))
    for (const manager of managers) await manager.close()
  })
})
