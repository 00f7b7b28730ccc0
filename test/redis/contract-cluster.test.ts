import { afterAll, beforeAll } from 'vitest'
import { contractOfBoth } from './both-storages.ts'
import { CLUSTER_CLIENTS } from './clients.ts'
import { type RedisCluster, startCluster } from './servers/index.ts'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.close())

for (const [name, connect] of Object.entries(CLUSTER_CLIENTS)) {
  contractOfBoth(`cluster, ${name}`, () => connect(cluster))
}
