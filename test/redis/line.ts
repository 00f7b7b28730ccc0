import { Manager, SessionError } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from '../../src/redis.ts'
import { inLong } from '../helpers/long.ts'
import { Stopwatch } from '../helpers/stopwatch.ts'
import { CLIENTS, type Connected } from './clients.ts'
import { LoopbackProxy, type RedisServer, until } from './servers/index.ts'

export const STORAGES = { StorageRedis, StorageRedisHashTable } as const
export type StorageName = keyof typeof STORAGES
export const STORAGE_NAMES = Object.keys(STORAGES) as readonly StorageName[]
/** How long a call may take, in milliseconds, where a test waits for it to fail. */
export const TIMEOUT = 800
/** And where it is to succeed, however busy the machine is. */
const LONG_TIMEOUT = 20_000
/** What a busy machine may add to that; clients would wait for five seconds by themselves, or for ever. */
export const SLACK = 4000

/** Those whose clients differ in what they do about a fault. */
export const FAULT_CLIENTS = inLong(
  ['node-redis 6', 'node-redis 5', 'ioredis 6', 'ioredis 5', 'iovalkey'],
  ['node-redis 6', 'ioredis 6'],
)
/** They give up what was under way when the connection broke. */
export const FORGETTING_CLIENTS = inLong(['node-redis 6', 'node-redis 5'], ['node-redis 6'])
/** They send again what was under way when the connection broke. */
export const RESENDING_CLIENTS = inLong(['ioredis 6', 'ioredis 5', 'iovalkey'], ['ioredis 6'])

/** Each storage with each client. */
export const PAIRS: readonly (readonly [StorageName, string])[] = pairsOf(FAULT_CLIENTS)

export function pairsOf(clients: readonly string[]): (readonly [StorageName, string])[] {
  return STORAGE_NAMES.flatMap(storage => clients.map(client => [storage, client] as const))
}

export type Data = { views: number; user: string; other: string }

const ADA = { user: 'Ada', views: 1 }

interface LineOptions {
  readonly idAtRest?: 'hashed' | 'plain'
  readonly timeout?: number
  /** To share the sessions of another line. */
  readonly prefix?: string
  /** Whether to wait until it works, which is the default. */
  readonly works?: boolean
}

/** How long a client has to recover before it must be taken for hanging, in milliseconds. */
const HANGING = 4000

let opened = 0

/** A server, a proxy before it, and a manager whose storage talks through that. */
export class Line implements AsyncDisposable {
  readonly server: RedisServer
  readonly proxy: LoopbackProxy
  readonly manager: Manager<Data>
  readonly storage: StorageRedis | StorageRedisHashTable
  readonly prefix: string
  readonly #elsewhere: Manager<Data>
  readonly #connected: Connected
  readonly #client: string
  #isConnected = true

  private constructor(
    server: RedisServer,
    proxy: LoopbackProxy,
    connected: Connected,
    client: string,
    name: StorageName,
    { idAtRest = 'hashed', timeout = LONG_TIMEOUT, prefix = `line${opened++}:` }: LineOptions,
  ) {
    this.server = server
    this.proxy = proxy
    this.#connected = connected
    this.#client = client
    this.prefix = prefix
    const place = { client: connected.client, prefix }
    this.storage = new STORAGES[name]({ ...place, timeout })
    const onBackgroundError = (): void => {}
    const options = { idAtRest, timeout: 0 }
    this.manager = new Manager<Data>({ ...options, storage: this.storage, onBackgroundError })
    this.#elsewhere = new Manager<Data>({
      storage: new STORAGES[name]({ ...place, timeout: LONG_TIMEOUT }),
      ...options,
    })
  }

  static async open(
    server: RedisServer,
    name: StorageName,
    client: string,
    options: LineOptions = {},
  ): Promise<Line> {
    const proxy = await LoopbackProxy.start(server)
    const connect = CLIENTS[client]
    if (connect === undefined) throw new Error(`No client is called ${client}`)
    const line = new Line(server, proxy, await connect(proxy), client, name, options)
    if (options.works !== false) await line.ready()
    return line
  }

  /** With a client that may not be connected yet. */
  static over(
    server: RedisServer,
    proxy: LoopbackProxy,
    connected: Connected,
    name: StorageName,
    options: LineOptions = {},
  ): Line {
    return new Line(server, proxy, connected, '', name, options)
  }

  /** Makes sure that the client is connected. */
  async ready(): Promise<void> {
    await until('the client is connected', () =>
      succeeds(() => this.manager.new('0'.repeat(43)).get('user')),
    )
  }

  /** Stores a session, and answers its id. */
  async begin(data: Partial<Data> = ADA, manager = this.manager): Promise<string> {
    const session = manager.new()
    await session.setMap(data)
    await session.close()
    return session.id()
  }

  /** Begins one as another process would, in its own time: the storage of this line knows nothing of it. */
  beginElsewhere(data: Partial<Data> = ADA): Promise<string> {
    return this.begin(data, this.#elsewhere)
  }

  /**
   * Cuts the connection, and waits until the client has another. node-redis 5 hangs for good, or mixes
   * up replies, if it is given a command in the very moment in which its connection breaks.
   */
  async cut(): Promise<void> {
    const { connections } = this.proxy.counts
    this.proxy.cut()
    await this.#until('the client is back', async () => {
      return this.proxy.counts.connections > connections && isReady(this.#connected.client)
    })
  }

  /** Waits until a request is answered in time, and answers what it finds. */
  async recovered(id: string): Promise<Partial<Data>> {
    let data: Partial<Data> = {}
    const read = async (): Promise<void> => {
      data = await this.data(id)
    }
    await this.#until('it recovers', () => succeeds(read))
    return data
  }

  /** What hangs of node-redis 5 goes on with another connection. */
  #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    let since = performance.now()
    return until(what, async () => {
      if (await isSo()) return true
      if (this.#client === 'node-redis 5' && performance.now() - since > HANGING) {
        since = performance.now()
        this.proxy.cut()
      }
      return false
    })
  }

  /** What a request finds. */
  data(id: string): Promise<Partial<Data>> {
    return this.manager.new(id).data()
  }

  /** Where the server keeps this line's sessions, in their order, with whatever is kept beside them. */
  async redisKeys(): Promise<readonly string[]> {
    const keys = await this.server.call('KEYS', `*${this.prefix}*`)
    return Array.isArray(keys) ? keys.map(String).sort() : []
  }

  /** Closes the client. */
  async disconnect(): Promise<void> {
    if (this.#isConnected) await this.#connected.close()
    this.#isConnected = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close().catch(() => undefined)
    await this.disconnect()
    await this.proxy.close()
  }
}

/** Whether a client says that it is connected: node-redis in one way, ioredis in another. */
function isReady(client: object): boolean {
  const { isReady, status }: { isReady?: boolean; status?: string } = client
  return isReady ?? status === 'ready'
}

/** What a request does that sets one key. */
export async function setKey<Key extends keyof Data>(
  line: Line,
  id: string,
  key: Key,
  value: Data[Key],
): Promise<void> {
  const session = line.manager.new(id)
  await session.set(key, value)
  await session.close()
}

/** Everything that a session can ask of its storage, each as a request of its own. */
export function requestsOn(
  line: Line,
  id: string,
): Readonly<Record<string, () => Promise<unknown>>> {
  const session = () => line.manager.new(id)
  return {
    get: () => session().get('user'),
    data: () => session().data(),
    contains: () => session().contains('user'),
    id: () => session().id(),
    set: () => setKey(line, id, 'other', 'x'),
    update: () => session().update('views', (n = 0) => n + 1),
    regenerateId: () => session().regenerateId(),
    begin: () => line.begin(),
    updateTTL: () => line.storage.updateTTL('0'.repeat(43), 60_000),
  }
}

/** The error that a promise rejects with, and how long that took. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<{ readonly error: SessionError; readonly took: number }> {
  using watch = new Stopwatch()
  try {
    await promise
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    return { error, took: watch.time }
  }
  throw new Error('It did not fail')
}

/** Whether a request succeeds by now; it must fail with `ERR_STORAGE` otherwise. */
export async function succeeds(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request()
    return true
  } catch (error) {
    if (error instanceof SessionError && error.code === 'ERR_STORAGE') return false
    throw error
  }
}
