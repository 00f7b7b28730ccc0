import { Manager } from 'gsession'
import { Cluster as IoRedis6Cluster } from 'ioredis'
import { Cluster as IoRedis5Cluster } from 'ioredis-5'
import { CLUSTER_CLIENTS, type Connected } from './clients.ts'
import { type Data, STORAGES, type StorageName, succeeds } from './line.ts'
import { LoopbackProxy, type RedisCluster, type RedisServer, until } from './servers/index.ts'

let opened = 0

/** A manager over the cluster, all of whose sessions are in one slot. */
export class Site implements AsyncDisposable {
  readonly prefix: string
  readonly manager: Manager<Data>
  readonly #connected: Connected

  private constructor(connected: Connected, storage: StorageName, prefix: string) {
    this.#connected = connected
    this.prefix = prefix
    const options = { client: connected.client, prefix, timeout: 5000 }
    this.manager = new Manager<Data>({ storage: new STORAGES[storage](options), timeout: 0 })
  }

  static async open(
    cluster: RedisCluster,
    storage: StorageName,
    client: string | Connected,
    prefix = `{site${opened++}}:`,
  ): Promise<Site> {
    const connected = typeof client === 'string' ? CLUSTER_CLIENTS[client]?.(cluster) : client
    if (connected === undefined) throw new Error(`No client is called ${client}`)
    const site = new Site(await connected, storage, prefix)
    await until('it is connected', () => succeeds(() => site.manager.new('0'.repeat(43)).data()))
    return site
  }

  async begin(): Promise<string> {
    const session = this.manager.new()
    await session.setMap({ user: 'Ada', views: 1 })
    await session.close()
    return session.id()
  }

  add(id: string): Promise<number> {
    return this.manager.new(id).update('views', (n = 0) => n + 1)
  }

  data(id: string): Promise<Partial<Data>> {
    return this.manager.new(id).data()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close().catch(() => undefined)
    await this.#connected.close()
  }
}

/** A proxy before each node, which an ioredis client takes for the nodes. */
export class Proxies implements AsyncDisposable {
  readonly #cluster: RedisCluster
  readonly #proxies: ReadonlyMap<number, LoopbackProxy>

  private constructor(cluster: RedisCluster, proxies: ReadonlyMap<number, LoopbackProxy>) {
    this.#cluster = cluster
    this.#proxies = proxies
  }

  static async start(cluster: RedisCluster): Promise<Proxies> {
    const started = cluster.nodes.map(async node => {
      return [node.port, await LoopbackProxy.start(node)] as const
    })
    return new Proxies(cluster, new Map(await Promise.all(started)))
  }

  connect(client: string): Connected {
    const places = [...this.#proxies].map(([port, proxy]) => {
      return [`127.0.0.1:${port}`, { host: proxy.host, port: proxy.port }] as const
    })
    const natMap = Object.fromEntries(places)
    const Client = client === 'ioredis 6' ? IoRedis6Cluster : IoRedis5Cluster
    // They are used up within milliseconds while a node's connection is down.
    const nodes = new Client(Object.values(natMap), { natMap, maxRedirections: 500 })
    nodes.on('error', () => undefined)
    return { client: nodes, close: () => nodes.disconnect() }
  }

  /** The one before the master of a place. */
  async before(key: string): Promise<LoopbackProxy> {
    const proxy = this.#proxies.get((await this.#cluster.masterOf(key)).port)
    if (proxy === undefined) throw new Error('No proxy is before that node')
    return proxy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#proxies.values()].map(proxy => proxy.close()))
  }
}

/** Two requests at a time, one after another, until it is stopped. */
export class Load implements AsyncDisposable {
  acknowledged = 0
  failed = 0
  #isOver = false
  readonly #working: Promise<unknown>

  constructor(site: Site, id: string) {
    const work = async () => {
      while (!this.#isOver) {
        if (await succeeds(() => site.add(id))) this.acknowledged++
        else this.failed++
      }
    }
    this.#working = Promise.all([work(), work()])
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** The others do not vote for a replica of the same master twice in two seconds. */
export async function takeOver(replica: RedisServer): Promise<void> {
  let asked = 0
  await until('it has taken over', async () => {
    if ((await replica.info('replication')).get('role') === 'master') return true
    if (performance.now() > asked + 1500) {
      asked = performance.now()
      await replica.call('CLUSTER', 'FAILOVER')
    }
    return false
  })
}

/** The nodes take a while to agree on who is a replica after one has taken over. */
export async function replicaOf(cluster: RedisCluster, key: string): Promise<RedisServer> {
  let replica: RedisServer | undefined
  await until('there is a replica', async () => {
    replica = await cluster.replicaOf(key).catch(() => undefined)
    return (await replica?.info('replication'))?.get('master_link_status') === 'up'
  })
  return replica as RedisServer
}

/** A slot on its way from one master to another, with the keys that it has. */
export async function beginToMove(
  cluster: RedisCluster,
  key: string,
): Promise<{ move(): Promise<void>; end(): Promise<void> }> {
  const from = await cluster.masterOf(key)
  const masters = await Promise.all(
    ['a', 'b', 'c', 'd', 'e', 'f'].map(each => cluster.masterOf(each)),
  )
  const to = masters.find(each => each.port !== from.port) as RedisServer
  const slot = Number(await from.call('CLUSTER', 'KEYSLOT', key))
  const [fromId, toId] = await Promise.all(
    [from, to].map(async node => String(await node.call('CLUSTER', 'MYID'))),
  )
  await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', `${fromId}`)
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', `${toId}`)
  return {
    async move() {
      const keys = await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 1000)
      for (const each of Array.isArray(keys) ? keys : []) {
        const auth = ['AUTH2', 'gsession-fixture', 'gsession-fixture'] as const
        await from.call('MIGRATE', to.host, to.port, String(each), 0, 1000, ...auth)
      }
    },
    async end() {
      for (const node of [to, from]) {
        await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', `${toId}`)
      }
      await cluster.ready()
    },
  }
}
