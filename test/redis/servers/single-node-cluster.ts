import { type RedisServer, startServer } from './redis-server.ts'
import type { ServerKind } from './server-kinds.ts'
import { until } from './until.ts'

/**
 * One node of a Cluster that has all slots. It refuses two keys of different slots, as a proxy before a
 * Cluster does, and a client needs to know nothing of Clusters otherwise.
 */
export async function startSingleNodeCluster(
  options: { kind?: ServerKind } = {},
): Promise<RedisServer> {
  const server = await startServer({ ...options, config: { 'cluster-enabled': 'yes' } })
  await server.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  await until('the cluster is whole', async () =>
    String(await server.call('CLUSTER', 'INFO')).startsWith('cluster_state:ok'),
  )
  return server
}
