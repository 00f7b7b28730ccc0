import type { Clock } from '../core/clock.ts'
import type { Duration } from '../core/duration.ts'
import type { RedisClient } from './redis-client.ts'

export interface RedisStorageOptions {
  /**
   * Your own connected client: node-redis 5 or 6, ioredis 5 or 6, iovalkey, and the Cluster and
   * Sentinel clients of these. The storage neither connects nor closes it.
   */
  client: RedisClient
  /**
   * Stands before the id in every key: `'app:session:'`. Whoever else uses this Redis must use
   * another. `''` is what GoFrame does by default; it is taken together with `idAtRest: 'plain'`.
   */
  prefix: string
  /**
   * Say `'plain'` when the manager's `idAtRest` is, to share sessions with GoFrame under no prefix.
   *
   * @default 'hashed'
   */
  idAtRest?: 'hashed' | 'plain'
  /**
   * How long each call may take, retries and reconnecting included, before it fails.
   *
   * @default '2s'
   */
  timeout?: Duration
  /**
   * Serves sessions that nobody has changed from memory, without asking Redis. A connection of its
   * own hears of every change on any node as soon as Redis tells it (client-side caching); while
   * that is lost, and for what is older than ten seconds, Redis is asked as without it. For clients
   * of a single node: node-redis and ioredis.
   *
   * @default false
   */
  cache?: boolean
  /** Tells from when on a ttl counts that is refreshed later. Redis itself has its own clock. @default Date.now */
  clock?: Clock
}

/** The names of them all. */
export const OPTIONS = ['client', 'prefix', 'idAtRest', 'timeout', 'cache', 'clock'] as const
