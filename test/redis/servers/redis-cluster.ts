import type { Settings } from './redis-config.ts'
import { type RedisServer, startServer } from './redis-server.ts'
import type { Reply } from './resp-parser.ts'
import type { ServerKind } from './server-kinds.ts'
import { until } from './until.ts'

const SLOTS = 16_384
const MASTERS = 3
const NODES = 6

const SETTINGS: Settings = {
  'cluster-enabled': 'yes',
  'cluster-node-timeout': 1000,
  // A replica that lags behind may be elected too: tests fail over right after a write.
  'cluster-replica-validity-factor': 0,
}

/** A range of slots and the ports of those who have it, the master first. */
interface SlotRange {
  readonly from: number
  readonly to: number
  readonly ports: readonly number[]
}

/** Three masters and a replica of each. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[]

  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes
  }

  /** Where clients may begin. */
  get ports(): readonly number[] {
    return this.nodes.map(node => node.port)
  }

  /** The node that now is the master of a place. */
  async masterOf(redisKey: string): Promise<RedisServer> {
    return this.#withPort((await this.#rangeOf(redisKey)).ports[0])
  }

  async replicaOf(redisKey: string): Promise<RedisServer> {
    return this.#withPort((await this.#rangeOf(redisKey)).ports[1])
  }

  /** Waits until every running node says that the cluster is whole. */
  async ready(): Promise<void> {
    await until('the cluster is whole', () => allAre(this.#running, isWhole))
  }

  /** Empties all masters. */
  async flush(): Promise<void> {
    const ranges = await slotRanges(this.#first)
    await Promise.all(ranges.map(({ ports }) => this.#withPort(ports[0]).call('FLUSHALL')))
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #running(): readonly RedisServer[] {
    return this.nodes.filter(node => node.isRunning)
  }

  get #first(): RedisServer {
    return at(this.#running, 0)
  }

  async #rangeOf(redisKey: string): Promise<SlotRange> {
    const slot = Number(await this.#first.call('CLUSTER', 'KEYSLOT', redisKey))
    const ranges = await slotRanges(this.#first)
    const range = ranges.find(({ from, to }) => from <= slot && slot <= to)
    if (range === undefined) throw new Error(`No node has slot ${slot}`)
    return range
  }

  #withPort(port: number | undefined): RedisServer {
    const node = this.nodes.find(each => each.port === port)
    if (node === undefined) throw new Error(`No node has port ${port}`)
    return node
  }
}

/** Starts six nodes and joins them; ready when every node knows every master and replica. */
export async function startCluster(options: { kind?: ServerKind } = {}): Promise<RedisCluster> {
  const starts = Array.from({ length: NODES }, () => startServer({ ...options, config: SETTINGS }))
  const nodes = await Promise.all(starts)
  await shareSlots(nodes.slice(0, MASTERS))
  await meet(nodes)
  await replicate(nodes)
  await until('every node knows all others', () => allAre(nodes, isComplete))
  return new RedisCluster(nodes)
}

async function shareSlots(masters: readonly RedisServer[]): Promise<void> {
  const bound = (index: number): number => Math.floor((index * SLOTS) / MASTERS)
  const shares = masters.map(async (master, index) => {
    await master.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    await master.call('CLUSTER', 'ADDSLOTSRANGE', bound(index), bound(index + 1) - 1)
  })
  await Promise.all(shares)
}

async function meet([first, ...others]: readonly RedisServer[]): Promise<void> {
  for (const other of others) await first?.call('CLUSTER', 'MEET', '127.0.0.1', other.port)
}

async function replicate(nodes: readonly RedisServer[]): Promise<void> {
  await until('all have met', () => allAre(nodes, hasMetAll))
  const replicas = nodes.slice(MASTERS).map(async (replica, index) => {
    const master = await at(nodes, index).call('CLUSTER', 'MYID')
    await replica.call('CLUSTER', 'REPLICATE', String(master))
  })
  await Promise.all(replicas)
}

/** A node in handshake still has a made-up id. */
async function hasMetAll(node: RedisServer): Promise<boolean> {
  const lines = String(await node.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n')
  return lines.length === NODES && lines.every(line => !line.includes('handshake'))
}

async function isWhole(node: RedisServer): Promise<boolean> {
  return String(await node.call('CLUSTER', 'INFO')).startsWith('cluster_state:ok')
}

async function isComplete(node: RedisServer): Promise<boolean> {
  if (!(await isWhole(node))) return false
  const ranges = await slotRanges(node)
  if (ranges.length !== MASTERS || ranges.some(({ ports }) => ports.length !== 2)) return false
  const link = (await node.info('replication')).get('master_link_status')
  return link === undefined || link === 'up'
}

async function slotRanges(node: RedisServer): Promise<SlotRange[]> {
  return items(await node.call('CLUSTER', 'SLOTS')).map(range => {
    const [from, to, ...holders] = items(range)
    return {
      from: Number(from),
      to: Number(to),
      ports: holders.map(each => Number(items(each)[1])),
    }
  })
}

async function allAre(
  nodes: readonly RedisServer[],
  isSo: (node: RedisServer) => Promise<boolean>,
): Promise<boolean> {
  return (await Promise.all(nodes.map(isSo))).every(Boolean)
}

function items(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new Error('The reply is no array')
  return reply
}

function at(nodes: readonly RedisServer[], index: number): RedisServer {
  const node = nodes[index]
  if (node === undefined) throw new Error('No such node')
  return node
}
