import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import type { Changes } from '../core/changes.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { type Duration, parseDuration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { memoize } from '../core/memoize.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { isSessionId } from '../core/session-id.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { type TimeLimit, within } from '../core/time-limit.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { connectionOf, type RedisClient, type RedisConnection } from './redis-client.ts'
import { redisError } from './redis-error.ts'
import { ReadCache } from './redis-read-cache.ts'
import type { RedisKeys, RedisStep, StepAnswer } from './redis-script.ts'
import { canTrack, type StopTracking, track } from './redis-tracking.ts'
import { type EndedNote, RedisWatch, removeAndTell } from './redis-watch.ts'
import { newMark, newWriter } from './write-mark.ts'

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

const OPTIONS = ['client', 'prefix', 'idAtRest', 'timeout', 'cache', 'clock'] as const
/** What PTTL answers when there is no key. */
const NO_KEY = -2
/** How many refreshes are on their way at the same time. */
const BATCH = 500

/** A session that goes to a new key. */
export interface Move {
  readonly redisKey: string
  readonly newKey: string
  readonly changes: Changes
  readonly ttl: number
  readonly keepOld: boolean
  /** What the script that removes the old key tells. */
  readonly note: EndedNote
  readonly deadline: TimeLimit
}

/** What both Redis storages share: the keys, the deadline, the order of calls, ttl and removal. */
export abstract class RedisStorage extends BuiltInStorage implements WatchableStorage {
  readonly #connection: RedisConnection
  /** How long each call may take, in milliseconds. */
  readonly timeout: number
  readonly #keyOf: (id: string) => string
  /** Those in this process come one after another, so that only other processes can come first. */
  readonly #queue = new KeyedQueue()
  readonly #writer = newWriter()
  readonly #cache: ReadCache | undefined
  readonly #watch: RedisWatch
  readonly #startTracking: () => StopTracking
  #stopTracking: StopTracking | undefined
  #closed = false

  constructor(options: RedisStorageOptions) {
    super(options.clock ?? systemClock)
    refuseUnknownOptions(options, OPTIONS)
    const { client, prefix, idAtRest = 'hashed', timeout = '2s', cache = false } = options
    if (typeof prefix !== 'string' || (prefix === '' && idAtRest !== 'plain')) {
      refuseOption(
        'prefix',
        "a text such as 'app:session:', not empty unless ids are plain",
        prefix,
      )
    }
    this.#keyOf = memoize(id => {
      if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')
      return prefix + id
    })
    this.timeout = parseDuration('timeout', timeout)
    this.#connection = connectionOf(client)
    this.#watch = new RedisWatch(client, this.#connection.keyPrefix + prefix)
    if (typeof cache !== 'boolean') refuseOption('cache', 'true or false', cache)
    if (cache && !canTrack(client)) refuseOption('cache', 'false for this kind of client', cache)
    const readCache = new ReadCache()
    this.#cache = cache ? readCache : undefined
    this.#startTracking = () => track(client, prefix, readCache)
  }

  load(id: string, _ttl: number, key?: string): Awaitable<Loaded | undefined> {
    const cache = this.#cache
    if (cache === undefined) return this.run(id, redisKey => this.read(redisKey, key))
    return this.#loadThrough(cache, id)
  }

  async rotate(
    id: string,
    newId: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
  ): Promise<Rotation> {
    if (newId === id) return 'taken'
    return this.inTurn(id, (redisKey, deadline) => {
      const newKey = this.redisKeyOf(newId)
      const note = this.#watch.noteOf(id)
      const move = { redisKey, newKey, changes, ttl, keepOld, note, deadline }
      return this.#connection.isCluster ? this.rotateOverNodes(move) : this.rotateAtOnce(move)
    })
  }

  /** Lets the sessions live on, each from when it was used; one that was used later is left alone. */
  async refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Promise<void> {
    const entries = [...accessedAt]
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH)
      await Promise.all(batch.map(([id, time]) => this.#refresh(id, time + ttl - this.clock())))
    }
  }

  async destroy(id: string): Promise<void> {
    await this.run(id, redisKey =>
      this.changing(redisKey, () =>
        this.runStep(removeAndTell, [redisKey], this.#watch.noteOf(id)),
      ),
    )
  }

  /** Calls `look` when Redis tells that the session was removed or moved. It expires without a word. */
  watch(id: string, look: () => void): () => void {
    return this.#watch.add(id, look)
  }

  /** When the session expires, `undefined` when there is none: one command, past the cache. */
  async peek(id: string): Promise<Pick<Loaded, 'expiresAt'> | undefined> {
    const answer = await this.run(id, redisKey => this.send(redisKey, ['pttl', redisKey]))
    const left = Number(answer)
    if (left === NO_KEY) return undefined
    return left < 0 ? {} : { expiresAt: this.clock() + left }
  }

  /** Closes what the storage itself has opened. Using it afterwards is an error. */
  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
    this.#stopTracking?.()
    this.#cache?.lost()
  }

  /** The session, or with a key perhaps that key alone. */
  protected abstract read(redisKey: string, key?: string): Promise<Loaded | undefined>

  /** As one step: both keys are on the same node. */
  protected abstract rotateAtOnce(move: Move): Promise<Rotation>

  /** Step by step, such that the session is never without a key: the new one first, then the old one goes. */
  protected abstract rotateOverNodes(move: Move): Promise<Rotation>

  /** Does some work for one session within the deadline. */
  protected async run<T>(id: string, work: (redisKey: string) => Promise<T>): Promise<T> {
    const redisKey = this.redisKeyOf(id)
    return within(this.timeout, 'Redis', deadline => this.#begin(deadline, () => work(redisKey)))
  }

  /** Whether changes of the session are under way in this process. */
  protected isChanging(id: string): boolean {
    return this.#queue.isBusy(id)
  }

  /** The same for a change, after what this process does with the session already. */
  protected async inTurn<T>(
    id: string,
    work: (redisKey: string, deadline: TimeLimit) => Promise<T>,
  ): Promise<T> {
    const redisKey = this.redisKeyOf(id)
    return within(this.timeout, 'Redis', deadline => {
      const change = () => this.#begin(deadline, () => work(redisKey, deadline))
      // Whoever fails, whether it has begun or not, makes room for the next.
      return this.#queue.run(id, () => deadline.limit(() => this.changing(redisKey, change)))
    })
  }

  /** This process sees its own changes at once, whenever Redis tells of them. */
  protected changing<T>(redisKey: string, work: () => Promise<T>): Promise<T> {
    const cache = this.#cache
    return cache === undefined ? work() : work().finally(() => cache.changed(redisKey))
  }

  /** A mark for a write that has to be done once. */
  protected newMark(): string {
    return newMark(this.#writer)
  }

  /** Sends a command about one key. */
  protected async send(redisKey: string, command: readonly string[]): Promise<unknown> {
    try {
      return await this.#connection.send(redisKey, command)
    } catch (error) {
      throw redisError(error, [redisKey])
    }
  }

  protected async runStep(
    step: RedisStep,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    try {
      return await step.run(this.#connection, redisKeys, args)
    } catch (error) {
      throw redisError(error, redisKeys)
    }
  }

  protected redisKeyOf(id: string): string {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    return this.#keyOf(id)
  }

  #loadThrough(cache: ReadCache, id: string): Awaitable<Loaded | undefined> {
    this.#stopTracking ??= this.#startTracking()
    const known = cache.find(this.redisKeyOf(id))
    if (known !== undefined) return known
    return this.run(id, redisKey =>
      cache.read(redisKey, async () => {
        const [loaded, lifetime] = await Promise.all([
          this.read(redisKey),
          this.send(redisKey, ['pttl', redisKey]),
        ])
        return { loaded, lifetime: Number(lifetime) }
      }),
    )
  }

  /** A key for what could not be read of another one, in the same slot of a Cluster. */
  protected besideKey(redisKey: string): string {
    const whole = this.#connection.keyPrefix + redisKey
    return /^[^{]*\{[^}]+\}/.test(whole) ? `${redisKey}:unreadable` : `{${whole}}:unreadable`
  }

  /** Begins some work when the client is connected, if there is still time for it. */
  #begin<T>(deadline: TimeLimit, work: () => Promise<T>): Promise<T> {
    const ready = this.#connection.ready()
    if (ready === undefined) return work()
    return ready.then(() => {
      deadline.check()
      return work()
    })
  }

  async #refresh(id: string, ttl: number): Promise<void> {
    if (ttl <= 0) return
    await this.run(id, redisKey =>
      this.send(redisKey, ['pexpire', redisKey, String(Math.ceil(ttl)), 'gt']),
    )
  }
}
