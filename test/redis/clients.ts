import { Redis as IoRedis6, Cluster as IoRedis6Cluster } from 'ioredis'
import { Redis as IoRedis5, Cluster as IoRedis5Cluster } from 'ioredis-5'
import { Redis as IoValkey } from 'iovalkey'
import { createClient, createCluster, createSentinel } from 'redis'
import { createClient as createClient5, createCluster as createCluster5 } from 'redis-5'
import type { RedisClient } from '../../src/redis.ts'
import { inLong } from '../helpers/long.ts'
import type { RedisCluster, RedisServer, SentinelSet } from './servers/index.ts'

/** A connected client of a real library, and how to let go of it. */
export interface Connected {
  readonly client: RedisClient
  close(): Awaited<unknown>
}

type Connect<Place> = (place: Place) => Promise<Connected>
/** Where a client connects to: a server, or a proxy in front of one. */
export type Place = Pick<RedisServer, 'host' | 'port'>

const ignore = (): void => {}

/** A client for one node, of each library and protocol. */
export const CLIENTS: Readonly<Record<string, Connect<Place>>> = {
  'node-redis 6': async ({ host, port }) => {
    const client = createClient({ socket: { host, port } }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'node-redis 6, RESP2': async ({ host, port }) => {
    const client = createClient({ RESP: 2, socket: { host, port } }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'node-redis 5': async ({ host, port }) => {
    const client = createClient5({ socket: { host, port } }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'node-redis 5, RESP3': async ({ host, port }) => {
    const client = createClient5({ RESP: 3, socket: { host, port } }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'ioredis 6': async ({ host, port }) => {
    const client = new IoRedis6({ host, port }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  'ioredis 5, numbers as texts': async ({ host, port }) => {
    const client = new IoRedis5({ host, port, stringNumbers: true }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  'ioredis 5': async ({ host, port }) => {
    const client = new IoRedis5({ host, port }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  iovalkey: async ({ host, port }) => {
    const client = new IoValkey({ host, port }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
}

/** Those with which everything is tried that each of them may do in its own way. */
export const CLIENT_NAMES: readonly string[] = inLong(Object.keys(CLIENTS), [
  'node-redis 6',
  'node-redis 5',
  'ioredis 6',
  'ioredis 5, numbers as texts',
])

/** A client for a Cluster. */
export const CLUSTER_CLIENTS: Readonly<Record<string, Connect<RedisCluster>>> = {
  'node-redis 6': async ({ ports }) => {
    const rootNodes = ports.map(port => ({ socket: { host: '127.0.0.1', port } }))
    const client = createCluster({ rootNodes }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'node-redis 5': async ({ ports }) => {
    const rootNodes = ports.map(port => ({ socket: { host: '127.0.0.1', port } }))
    const client = createCluster5({ rootNodes }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'ioredis 6': async ({ ports }) => {
    const client = new IoRedis6Cluster(ports.map(port => ({ host: '127.0.0.1', port })))
    client.on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  'ioredis 5': async ({ ports }) => {
    const client = new IoRedis5Cluster(ports.map(port => ({ host: '127.0.0.1', port })))
    client.on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
}

/** A client that asks Sentinels where the primary is. */
export const SENTINEL_CLIENTS: Readonly<Record<string, Connect<SentinelSet>>> = {
  'node-redis 6': async ({ name, ports }) => {
    const sentinelRootNodes = ports.map(port => ({ host: '127.0.0.1', port }))
    const client = createSentinel({ name, sentinelRootNodes }).on('error', ignore)
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'ioredis 6': async ({ name, ports }) => {
    const sentinels = ports.map(port => ({ host: '127.0.0.1', port }))
    const client = new IoRedis6({ name, sentinels }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
}
