import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KIND_NAMES } from '../fixtures/redis-lab.ts'
import { begin } from '../helpers/core-sessions.ts'
import { watch } from '../helpers/watched.ts'
import { CLUSTER_CLIENTS, SENTINEL_CLIENTS } from './clients.ts'
import {
  type RedisCluster,
  type RedisServer,
  type SentinelSet,
  startCluster,
  startSentinels,
  until,
} from './servers/index.ts'
import { listeners, openPair, watchesTellAtOnce } from './watch-pair.ts'

describe('a watch in a Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.close())

  const listening = async (prefix: string): Promise<boolean> => {
    const counts = await Promise.all(
      cluster.nodes.filter(node => node.isRunning).map(node => listeners(node, prefix)),
    )
    return counts.some(count => count > 0)
  }

  it.each(
    Object.keys(CLUSTER_CLIENTS).flatMap(name => KIND_NAMES.map(kind => [name, kind] as const)),
  )('tells once of what another node removes or moves, %s, %s', async (name, kind) => {
    const connected = await (CLUSTER_CLIENTS[name] as (typeof CLUSTER_CLIENTS)[string])(cluster)
    await watchesTellAtOnce(kind, connected, listening)
    await connected.close()
  })

  it.each(Object.entries(CLUSTER_CLIENTS))(
    'listens again when its connection is killed, %s',
    async (_name, connect) => {
      const connected = await connect(cluster)
      await using pair = openPair('StorageRedis', connected, { onBackgroundError: () => {} })
      const { here, there, prefix } = pair
      const watched = watch(here, await begin(there, { a: 1 }))
      await until('it listens', () => listening(prefix))
      const counts = await Promise.all(cluster.nodes.map(node => listeners(node, prefix)))
      const node = cluster.nodes[counts.indexOf(1)] as RedisServer
      // Its connections alone: the slots stay where they are.
      await node.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until('it listens again', () => listening(prefix))
      expect(watched.count).toBe(0)
      await there.new(watched.id).removeAll()
      await watched.ended()
      await connected.close()
    },
  )
})

describe('a watch through Sentinels', () => {
  let set: SentinelSet
  beforeAll(async () => {
    set = await startSentinels()
  })
  afterAll(() => set.close())

  const listening = async (prefix: string): Promise<boolean> =>
    (await listeners(await set.primary(), prefix)) === 1

  it.each(
    Object.keys(SENTINEL_CLIENTS).flatMap(name => KIND_NAMES.map(kind => [name, kind] as const)),
  )('tells once of what another node removes or moves, %s, %s', async (name, kind) => {
    const connected = await (SENTINEL_CLIENTS[name] as (typeof SENTINEL_CLIENTS)[string])(set)
    await watchesTellAtOnce(kind, connected, listening)
    await connected.close()
  })

  it('listens to the new primary after a failover', async () => {
    const names = Object.keys(SENTINEL_CLIENTS)
    const all = await Promise.all(Object.values(SENTINEL_CLIENTS).map(connect => connect(set)))
    const pairs = all.map(connected =>
      openPair('StorageRedis', connected, { onBackgroundError: () => {} }),
    )
    const watched = await Promise.all(
      pairs.map(async ({ here, there }) => watch(here, await begin(there, { a: 1 }))),
    )
    for (const { prefix } of pairs) await until('it listens', () => listening(prefix))
    await (await set.primary()).call('WAIT', 1, 5000)
    await set.failOver()
    for (const { prefix } of pairs) await until('it listens again', () => listening(prefix))
    for (const [index, { there }] of pairs.entries()) {
      const each = watched[index]
      expect(each?.count, names[index]).toBe(0)
      await until('it is removed', () =>
        there
          .new(each?.id)
          .removeAll()
          .then(
            () => true,
            () => false,
          ),
      )
      await each?.ended()
    }
    for (const { here, there } of pairs) {
      await here.close().catch(() => undefined)
      await there.close().catch(() => undefined)
    }
    for (const connected of all) await connected.close()
  })
})
