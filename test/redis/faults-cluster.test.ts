import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pairsOf, succeeds } from './line.ts'
import { type RedisCluster, startCluster, until } from './servers/index.ts'
import { beginToMove, Load, Proxies, replicaOf, Site, takeOver } from './site.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.close())

const CASES = pairsOf(['node-redis 6', 'node-redis 5', 'ioredis 6', 'ioredis 5'])

describe('while a slot moves to another node (MOVED, ASK)', () => {
  it.for(CASES)('requests succeed before, between and after: %s, %s', async ([storage, client]) => {
    await using site = await Site.open(cluster, storage, client)
    const id = await site.begin()
    const slot = await beginToMove(cluster, site.prefix)
    expect(await site.add(id)).toBe(2)
    const begun = await site.begin()
    expect(await site.add(begun)).toBe(2)
    await slot.move()
    expect(await site.add(id)).toBe(3)
    expect(await site.data(id)).toEqual({ user: 'Ada', views: 3 })
    expect(await site.add(begun)).toBe(3)
    await slot.end()
    expect(await site.add(id)).toBe(4)
    const newId = await site.manager.new(id).regenerateId()
    expect(await site.data(newId)).toEqual({ user: 'Ada', views: 4 })
    expect(await site.data(id)).toEqual({})
  })

  it.for(CASES)('a new id is given, too: %s, %s', async ([storage, client]) => {
    await using site = await Site.open(cluster, storage, client)
    const id = await site.begin()
    const slot = await beginToMove(cluster, site.prefix)
    let newId = await site.manager.new(id).regenerateId()
    expect(await site.data(newId)).toEqual({ user: 'Ada', views: 1 })
    await slot.move()
    await slot.end()
    expect(await site.data(newId)).toEqual({ user: 'Ada', views: 1 })
    newId = await site.manager.new(newId).regenerateId()
    expect(await site.data(newId)).toEqual({ user: 'Ada', views: 1 })
  })
})

describe('when the reply to a move gets lost', () => {
  it.for(
    pairsOf(['ioredis 6', 'ioredis 5']).flatMap(([storage, client]) =>
      [0, 1, 2].map(reply => [storage, client, reply] as const),
    ),
  )(
    'a client that sends again is told the new id: %s, %s, reply %i',
    async ([storage, client, reply]) => {
      await using proxies = await Proxies.start(cluster)
      await using site = await Site.open(cluster, storage, proxies.connect(client))
      const proxy = await proxies.before(site.prefix)
      // The same moves, made before, tell how long the replies are, and teach the node the scripts.
      await site.manager.new(await site.begin()).regenerateId()
      const example = await site.begin()
      const start = proxy.counts.bytesToClient
      await site.manager.new(example).regenerateId()
      const length = proxy.counts.bytesToClient - start
      const id = await site.begin()
      // There are three replies, of which the last one is `:1`.
      proxy.cutNextReply([0, length - 6, length - 3][reply])
      const newId = await site.manager.new(id).regenerateId()
      expect(await site.data(newId)).toEqual({ user: 'Ada', views: 1 })
      expect(await site.data(id)).toEqual({})
    },
  )
})

describe('when a replica takes over', () => {
  it.for([
    ['StorageRedis', 'node-redis 6'],
    ['StorageRedisHashTable', 'node-redis 5'],
    ['StorageRedisHashTable', 'ioredis 6'],
    ['StorageRedis', 'ioredis 5'],
  ] as const)('under load, nothing acknowledged is lost: %s, %s', async ([storage, client]) => {
    await using site = await Site.open(cluster, storage, client)
    const id = await site.begin()
    const replica = await replicaOf(cluster, site.prefix)
    await using load = new Load(site, id)
    await until('some are acknowledged', () => load.acknowledged > 10)
    await takeOver(replica)
    const before = load.acknowledged
    await until('it works again', () => load.acknowledged > before + 10)
    await load.stop()
    const { user, views = 0 } = await site.data(id)
    expect(user).toBe('Ada')
    expect(views).toBeGreaterThan(load.acknowledged)
    expect(views).toBeLessThanOrEqual(load.acknowledged + load.failed + 1)
  })

  it('since its master was killed, sessions are never absent, and all clients go on', async () => {
    const prefix = '{killed}:'
    const clients = ['node-redis 6', 'ioredis 6', 'ioredis 5'] as const
    const sites = await Promise.all(
      clients.map(client => Site.open(cluster, 'StorageRedis', client, prefix)),
    )
    const [first] = sites
    if (first === undefined) throw new Error('There is no site')
    const id = await first.begin()
    await replicaOf(cluster, prefix)
    const master = await cluster.masterOf(prefix)
    // What the replica does not have yet would be lost by Redis itself.
    await master.call('WAIT', 1, 1000)
    await master.kill()
    const recover = sites.map(async site => {
      expect(await succeeds(() => site.data(id))).toBe(false)
      await until('it recovers', async () => {
        return await succeeds(async () =>
          expect(await site.data(id)).toMatchObject({ user: 'Ada' }),
        )
      })
      await until('it writes', () => succeeds(() => site.add(id)))
    })
    await Promise.all(recover)
    await master.start()
    await cluster.ready()
    for (const site of sites) await site[Symbol.asyncDispose]()
  })
})
