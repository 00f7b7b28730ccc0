import {
  type IoRedisClient,
  keyPrefixOf,
  type NodeRedisClient,
  type RedisClient,
} from './redis-client.ts'

/** Who is told what happens to the keys under a prefix. */
export interface TrackingListener {
  /** From now on every change is told. */
  live(): void
  /** Changes may be missed from now on. */
  lost(): void
  /** A key was changed, removed or has expired; all of them, when none is named. */
  changed(redisKey: string | undefined): void
}

/** Stops listening, and closes the connection. */
export type StopTracking = () => void

/** What is used of a node-redis client's own connection. */
interface NodeRedisConnection extends NodeRedisClient {
  connect(): Promise<unknown>
  destroy(): void
  on(event: string, listener: (detail?: { toString(): string } | null) => void): unknown
}

/** The same of an ioredis client. */
interface IoRedisConnection extends IoRedisClient {
  connect(): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (channel: string, keys: readonly string[] | null) => void): unknown
}

const CHANNEL = '__redis__:invalidate'

/** Whether this kind of client can tell what changes: one of a single node, that can be duplicated. */
export function canTrack(client: RedisClient): boolean {
  if ('getSlotRandomNode' in client || 'getMasterNode' in client) return false
  return 'duplicate' in client && !('isCluster' in client && client.isCluster)
}

/**
 * Listens to the changes of all keys under a prefix, on a connection of its own that the client
 * makes (Redis client-side caching, broadcasting mode). It reconnects by itself.
 */
export function track(
  client: RedisClient,
  prefix: string,
  listener: TrackingListener,
): StopTracking {
  return 'call' in client
    ? trackOverIoRedis(client, prefix, listener)
    : trackOverNodeRedis(client, prefix, listener)
}

function trackOverNodeRedis(
  client: RedisClient,
  prefix: string,
  listener: TrackingListener,
): StopTracking {
  const options = { RESP: 3, emitInvalidate: true }
  const own = duplicate<NodeRedisConnection>(client, options)
  const begin = async (): Promise<void> => {
    // The client has switched it on by itself, for the keys that this connection reads: for none.
    await own.sendCommand(['client', 'tracking', 'off'])
    await own.sendCommand(['client', 'tracking', 'on', 'bcast', 'prefix', prefix])
    listener.live()
  }
  own.on('error', () => listener.lost())
  own.on('reconnecting', () => listener.lost())
  own.on('invalidate', key => listener.changed(key?.toString()))
  own.on('ready', () => void begin().catch(() => listener.lost()))
  own.connect().catch(() => listener.lost())
  return () => {
    try {
      own.destroy()
    } catch {
      // It was not open: the client has given up.
    }
  }
}

/** Over RESP2: ioredis drops the messages that RESP3 has for this. */
function trackOverIoRedis(
  client: IoRedisClient,
  prefix: string,
  listener: TrackingListener,
): StopTracking {
  const options = { protocol: 2, lazyConnect: true, autoResubscribe: false, keyPrefix: '' }
  const own = duplicate<IoRedisConnection>(client, options)
  const keyPrefix = keyPrefixOf(client)
  const begin = async (): Promise<void> => {
    const id = String(await own.call('client', 'id'))
    const watched = ['bcast', 'prefix', keyPrefix + prefix]
    await own.call('client', 'tracking', 'on', 'redirect', id, ...watched)
    await own.call('subscribe', CHANNEL)
    listener.live()
  }
  own.on('error', () => listener.lost())
  own.on('close', () => listener.lost())
  own.on('message', (_channel, keys) => tellAll(keys, keyPrefix, listener))
  own.on('ready', () => void begin().catch(() => listener.lost()))
  own.connect().catch(() => listener.lost())
  return () => own.disconnect()
}

function tellAll(
  keys: readonly string[] | string | null,
  keyPrefix: string,
  listener: TrackingListener,
): void {
  if (keys === null) listener.changed(undefined)
  for (const key of [keys ?? []].flat()) listener.changed(key.slice(keyPrefix.length))
}

/** Both kinds of client can make another of themselves, with types that have nothing in common. */
function duplicate<Client>(client: RedisClient, options: object): Client {
  return (client as unknown as { duplicate(options: object): Client }).duplicate(options)
}
