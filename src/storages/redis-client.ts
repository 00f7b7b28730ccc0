import { refuseOption } from '../core/options.ts'
import { type Readiness, readinessOf } from './redis-readiness.ts'

/** What is asked of a node-redis client, or of a pool of them. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: object): Promise<unknown>
}

/** What is asked of a node-redis Sentinel client. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean, args: string[], options?: object): Promise<unknown>
  getMasterNode(): unknown
}

/** What is asked of a node-redis Cluster client. */
export interface NodeRedisCluster {
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: object,
  ): Promise<unknown>
  getSlotRandomNode(slot: number): unknown
}

/** What is asked of a client of ioredis or iovalkey: of one node, through Sentinels, or of a Cluster. */
export interface IoRedisClient {
  call(command: string, ...args: string[]): Promise<unknown>
  readonly isCluster: boolean
}

/** Your own connected client: node-redis 5 or 6, ioredis 5 or 6, or iovalkey. */
export type RedisClient = NodeRedisClient | NodeRedisSentinel | NodeRedisCluster | IoRedisClient

/** One way to talk to all of them. */
export interface RedisConnection {
  /** Whether keys live on different nodes, so that no step can touch two of them. */
  readonly isCluster: boolean
  /** Whether a command may be carried out twice, since the client sends it again when a connection broke. */
  readonly sendsAgain: boolean
  /** What the client puts before every key. */
  readonly keyPrefix: string
  /** To wait for before a call begins. */
  readonly ready: Readiness
  /** Sends a command about one key. Command names are in lower case: iovalkey knows no others. */
  send(redisKey: string, command: readonly string[]): Promise<unknown>
}

/**
 * Replies as texts, whatever the client is set to, and maps as flat lists (37 is RESP3's `%`), since
 * objects lose `__proto__` and the order. Without node-redis 6's timeout, which costs more than all
 * the rest of a command: the storage has its own.
 */
const PLAIN = { typeMapping: { 37: Array }, timeout: undefined }

/** The states of an ioredis client in which it keeps commands for later. */
const CONNECTING: ReadonlySet<string | undefined> = new Set([
  'connecting',
  'connect',
  'reconnecting',
  'close',
])

/** By which an application wants commands to fail at once while the client connects. */
interface OfflineOptions {
  readonly enableOfflineQueue?: boolean
  readonly disableOfflineQueue?: boolean
}

/**
 * Clients of several nodes do not tell whether the one that is needed is connected. Those that keep no
 * commands for later refuse them by themselves.
 */
const ALWAYS: Readiness = () => undefined

/** What an ioredis client puts before every key that a command names. */
export function keyPrefixOf(client: object): string {
  const { options }: { options?: { keyPrefix?: string } } = client
  return options?.keyPrefix ?? ''
}

/** @throws {@link SessionError} `ERR_OPTION` when it is none of the clients that are known */
export function connectionOf(client: RedisClient): RedisConnection {
  if (typeof client === 'object' && client !== null) {
    if ('call' in client) return overIoRedis(client)
    if ('getSlotRandomNode' in client) return overCluster(client)
    if ('getMasterNode' in client) return overSentinel(client)
    if ('sendCommand' in client) return overNodeRedis(client)
  }
  return refuseOption('client', 'a connected client of node-redis, ioredis or iovalkey', client)
}

function overIoRedis(client: IoRedisClient): RedisConnection {
  const state = client as { readonly status?: string; readonly options?: OfflineOptions }
  const isQueueing = state.options?.enableOfflineQueue !== false
  return {
    isCluster: client.isCluster,
    sendsAgain: true,
    keyPrefix: keyPrefixOf(client),
    ready: isQueueing ? readinessOf(client, () => CONNECTING.has(state.status)) : ALWAYS,
    send: (_redisKey, [name = '', ...args]) => client.call(name, ...args),
  }
}

/** What a node-redis client has that is not a pool. */
interface NodeRedisState extends NodeRedisClient {
  readonly isOpen?: boolean
  readonly isReady?: boolean
  readonly options?: OfflineOptions
  withCommandOptions?(options: object): NodeRedisClient
}

function overNodeRedis(client: NodeRedisClient): RedisConnection {
  const state: NodeRedisState = client
  const isQueueing = state.options?.disableOfflineQueue !== true
  const isConnecting = (): boolean => state.isReady === false && state.isOpen === true
  return {
    isCluster: false,
    sendsAgain: false,
    keyPrefix: '',
    ready: isQueueing ? readinessOf(client, isConnecting) : ALWAYS,
    send: sender(state),
  }
}

/** Options that come with each command make it cost a quarter more. A pool takes them in no other way. */
function sender(client: NodeRedisState): RedisConnection['send'] {
  const plain = client.isReady === undefined ? undefined : client.withCommandOptions?.(PLAIN)
  return plain === undefined
    ? (_redisKey, command) => client.sendCommand([...command], PLAIN)
    : (_redisKey, command) => plain.sendCommand([...command])
}

function overSentinel(client: NodeRedisSentinel): RedisConnection {
  return {
    isCluster: false,
    sendsAgain: true,
    keyPrefix: '',
    ready: ALWAYS,
    send: (_redisKey, command) => client.sendCommand(false, [...command], PLAIN),
  }
}

function overCluster(client: NodeRedisCluster): RedisConnection {
  return {
    isCluster: true,
    sendsAgain: true,
    keyPrefix: '',
    ready: ALWAYS,
    send: (redisKey, command) => client.sendCommand(redisKey, false, [...command], PLAIN),
  }
}
