import type { Awaitable } from '../core/atomic-storage.ts'
import type { IoRedisClient, RedisClient } from './redis-client.ts'

/** Who hears what is published. */
export interface SubscriberListener {
  /** From now on every message is heard. */
  live(): void
  heard(message: string): void
  /** Nothing is heard any more, and the connection is closed. */
  lost(): void
}

/** Subscribes over a connection of its own. Answers what closes it. */
export type Subscribe = (channel: string, listener: SubscriberListener) => () => void

/** A connection that is used for nothing else. */
interface OwnConnection {
  subscribe(channel: string, heard: (message: string) => void): Promise<unknown>
  close(): unknown
}

type Lost = () => void

/** What is used of an ioredis client that is one connection. */
interface IoRedisNode {
  duplicate(options: object): IoRedisNode
  connect(): Promise<unknown>
  call(command: string, ...args: string[]): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (channel: string, message: string) => void): unknown
  readonly stream?: { unref?(): unknown }
}

interface IoRedisCluster {
  nodes(role: 'master'): readonly IoRedisNode[]
}

/** What is used of a node-redis client that is one connection, or asks Sentinels. */
interface NodeRedisNode {
  duplicate(options: object): NodeRedisNode
  readonly options?: { readonly socket?: object }
  connect(): Promise<unknown>
  subscribe(channel: string, heard: (message: string) => void): Promise<unknown>
  destroy(): unknown
  unref?(): void
  on(event: string, listener: (detail?: { readonly type?: string }) => void): unknown
}

interface NodeRedisNodes {
  readonly masters: readonly object[]
  nodeClient(node: object): Awaitable<NodeRedisNode>
}

/** How to subscribe by clients of this kind; `undefined` for one that cannot be duplicated. */
export function subscriberOf(client: RedisClient): Subscribe | undefined {
  const connect = connectorOf(client)
  return connect && ((channel, listener) => subscribe(connect, channel, listener))
}

function connectorOf(client: RedisClient): ((lost: Lost) => Awaitable<OwnConnection>) | undefined {
  const unknown: unknown = client
  if ('call' in client) {
    return lost => overIoRedis(nodeOfIoRedis(client), lost)
  }
  if ('getSlotRandomNode' in client && 'nodeClient' in client) {
    return async lost => overNodeRedis(await nodeOfCluster(unknown as NodeRedisNodes), lost)
  }
  if (!('duplicate' in client)) return undefined
  if ('getMasterNode' in client) return lost => overSentinel(unknown as NodeRedisNode, lost)
  return lost => overNodeRedis(unknown as NodeRedisNode, lost)
}

function subscribe(
  connect: (lost: Lost) => Awaitable<OwnConnection>,
  channel: string,
  listener: SubscriberListener,
): () => void {
  let own: OwnConnection | undefined
  let isOver = false
  const close = (): void => {
    isOver = true
    own?.close()
  }
  const lost = (): void => {
    if (isOver) return
    close()
    listener.lost()
  }
  const begin = async (): Promise<void> => {
    own = await connect(lost)
    if (isOver) return void own.close()
    await own.subscribe(channel, message => listener.heard(message))
    if (!isOver) listener.live()
  }
  begin().catch(lost)
  return close
}

/** In a Cluster any node hears what is published on any other. */
function nodeOfIoRedis(client: IoRedisClient): IoRedisNode {
  const unknown: unknown = client
  return client.isCluster
    ? anyOf((unknown as IoRedisCluster).nodes('master'))
    : (unknown as IoRedisNode)
}

async function nodeOfCluster(cluster: NodeRedisNodes): Promise<NodeRedisNode> {
  return cluster.nodeClient(anyOf(cluster.masters))
}

function anyOf<T>(nodes: readonly T[]): T {
  const node = nodes[Math.floor(Math.random() * nodes.length)]
  if (node === undefined) throw new Error('No node of the Cluster is known yet')
  return node
}

/** It is not to reconnect by itself: the node may be another by then, and what was missed is looked up. */
function overIoRedis(node: IoRedisNode, lost: Lost): OwnConnection {
  const own = node.duplicate({
    protocol: 2,
    lazyConnect: true,
    autoResubscribe: false,
    enableOfflineQueue: true,
    keyPrefix: '',
    retryStrategy: null,
    sentinelRetryStrategy: null,
  })
  own.on('error', lost)
  own.on('end', lost)
  return {
    async subscribe(channel, heard) {
      own.on('message', (_channel, message) => heard(message))
      await own.connect()
      own.stream?.unref?.()
      await own.call('subscribe', channel)
    },
    close: () => own.disconnect(),
  }
}

function overNodeRedis(node: NodeRedisNode, lost: Lost): OwnConnection {
  const socket = { ...node.options?.socket, reconnectStrategy: false }
  const own = node.duplicate({ socket, clientSideCache: undefined })
  own.on('error', lost)
  own.on('end', lost)
  return {
    async subscribe(channel, heard) {
      await own.connect()
      own.unref?.()
      await own.subscribe(channel, heard)
    },
    close: () => destroy(own),
  }
}

/** It moves to another primary by itself, without a word about what was missed: so it begins anew. */
function overSentinel(sentinel: NodeRedisNode, lost: Lost): OwnConnection {
  const own = sentinel.duplicate({})
  own.on('error', lost)
  return {
    async subscribe(channel, heard) {
      await own.connect()
      own.on('topology-change', event => {
        if (event?.type === 'MASTER_CHANGE') lost()
      })
      await own.subscribe(channel, heard)
    },
    close: () => destroy(own),
  }
}

/** One that is not connected cannot be destroyed: it says so, and that is as good. */
async function destroy(client: NodeRedisNode): Promise<void> {
  try {
    await client.destroy()
  } catch {}
}
