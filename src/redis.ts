export { StorageRedis } from './storages/redis.ts'
export type {
  IoRedisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from './storages/redis-client.ts'
export { StorageRedisHashTable } from './storages/redis-hash.ts'
export type { RedisStorageOptions } from './storages/redis-options.ts'
