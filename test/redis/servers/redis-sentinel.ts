import { FIXTURE_RIGHTS } from './redis-config.ts'
import { firstKind, RedisServer, startServer } from './redis-server.ts'
import type { ServerKind } from './server-kinds.ts'
import { until } from './until.ts'

const NAME = 'gsession'
const SENTINELS = 3
const QUORUM = 2

/** A primary, a replica, and three sentinels that make the replica the primary when that is gone. */
export class SentinelSet implements AsyncDisposable {
  /** The name by which the sentinels know the primary. */
  readonly name = NAME
  readonly sentinels: readonly RedisServer[]
  readonly servers: readonly RedisServer[]

  constructor(sentinels: readonly RedisServer[], servers: readonly RedisServer[]) {
    this.sentinels = sentinels
    this.servers = servers
  }

  /** Where clients may ask for the primary. */
  get ports(): readonly number[] {
    return this.sentinels.map(sentinel => sentinel.port)
  }

  /** The server that most sentinels say is the primary now. */
  async primary(): Promise<RedisServer> {
    const ports = await Promise.all(this.sentinels.map(primaryPort))
    const isMost = (port: number): boolean => ports.filter(each => each === port).length >= QUORUM
    const server = this.servers.find(each => isMost(each.port))
    if (server === undefined) throw new Error('The sentinels disagree about the primary')
    return server
  }

  /** Kills the primary and waits until all sentinels name another. */
  async failOver(): Promise<RedisServer> {
    const lost = await this.primary()
    await lost.kill()
    await until('all sentinels name another primary', async () => {
      const ports = await Promise.all(this.sentinels.map(primaryPort))
      return new Set(ports).size === 1 && ports[0] !== lost.port
    })
    return await this.primary()
  }

  async close(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map(each => each.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Starts the five; ready when every sentinel knows the replica and the other sentinels. */
export async function startSentinels(options: { kind?: ServerKind } = {}): Promise<SentinelSet> {
  const kind = options.kind ?? firstKind()
  const primary = await startServer({ kind })
  const replica = await startServer({ kind, replicaOf: primary })
  await until('the replica has its copy', async () => {
    return (await replica.info('replication')).get('master_link_status') === 'up'
  })
  const starts = Array.from({ length: SENTINELS }, () => startSentinel(kind, primary.port))
  const sentinels = await Promise.all(starts)
  await until('the sentinels know each other', async () => {
    return (await Promise.all(sentinels.map(knowsAll))).every(Boolean)
  })
  return new SentinelSet(sentinels, [primary, replica])
}

async function startSentinel(kind: ServerKind, primaryPort: number): Promise<RedisServer> {
  const lines = [
    `monitor ${NAME} 127.0.0.1 ${primaryPort} ${QUORUM}`,
    `down-after-milliseconds ${NAME} 500`,
    `failover-timeout ${NAME} 3000`,
  ]
  const sentinel = await RedisServer.launch({
    kind,
    settings: { user: FIXTURE_RIGHTS, sentinel: lines },
    isTls: false,
    flags: ['--sentinel'],
    password: undefined,
  })
  // They tell of each other every 2 seconds and ask the primary every 10, if they are let.
  await sentinel.call('SENTINEL', 'DEBUG', 'publish-period', 100, 'info-period', 200)
  return sentinel
}

async function knowsAll(sentinel: RedisServer): Promise<boolean> {
  const line = (await sentinel.info('sentinel')).get('master0') ?? ''
  return line.includes(`status=ok,`) && line.endsWith(`slaves=1,sentinels=${SENTINELS}`)
}

async function primaryPort(sentinel: RedisServer): Promise<number> {
  const reply = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
  return Array.isArray(reply) ? Number(reply[1]) : 0
}
