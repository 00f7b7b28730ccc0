import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import type { Changes } from '../core/changes.ts'
import { systemClock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import type { WatchableStorage } from '../core/session-watch.ts'
import { type TimeLimit, within } from '../core/time-limit.ts'
import { BuiltInStorage } from './built-in-storage.ts'
import { NO_KEY, RedisCalls } from './redis-calls.ts'
import { connectionOf } from './redis-client.ts'
import { SessionKeys } from './redis-keys.ts'
import { OPTIONS, type RedisStorageOptions } from './redis-options.ts'
import { ReadCache } from './redis-read-cache.ts'
import { isOfTwoSlots } from './redis-refusal.ts'
import type { Removal } from './redis-removal.ts'
import { canTrack, type StopTracking, track } from './redis-tracking.ts'
import { type EndedNote, RedisWatch } from './redis-watch.ts'
import { newMark, newWriter } from './write-mark.ts'

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
  protected readonly calls: RedisCalls
  /** How long each call may take, in milliseconds. */
  readonly timeout: number
  protected readonly keys: SessionKeys
  /** Whether the server has said that it is a Cluster, though the client is not one for that. */
  #isCluster = false
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
    this.keys = new SessionKeys(prefix)
    this.timeout = parseDuration('timeout', timeout)
    const connection = connectionOf(client)
    this.calls = new RedisCalls(connection)
    this.#isCluster = connection.isCluster
    this.#watch = new RedisWatch(client, connection.keyPrefix + prefix)
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
    return this.inTurn(id, async (redisKey, deadline) => {
      if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return 'absent'
      const newKey = this.keyOfNew(newId)
      const note = this.#watch.noteOf(id)
      const move = { redisKey, newKey, changes, ttl, keepOld, note, deadline }
      const rotation = await this.#move(move)
      if (rotation === 'rotated' && !keepOld) this.calls.tellEnded(note)
      return rotation
    })
  }

  /** A server says by itself that two keys are not on one node, and is not asked for that again. */
  async #move(move: Move): Promise<Rotation> {
    if (this.#isCluster) return this.rotateOverNodes(move)
    try {
      return await this.rotateAtOnce(move)
    } catch (error) {
      if (!isOfTwoSlots(error)) throw error
      this.#isCluster = true
      move.deadline.check()
      return this.rotateOverNodes(move)
    }
  }

  /**
   * Lets the sessions live on, each from when it was used. One that was used later is left alone, unless
   * it would live longer than any use by now allows: then the ttl has been lowered since.
   */
  async refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Promise<void> {
    const entries = [...accessedAt]
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH)
      await Promise.all(
        batch.map(([id, time]) => this.#refresh(id, time + ttl - this.clock(), ttl)),
      )
    }
  }

  async destroy(id: string): Promise<void> {
    await this.run(id, async redisKey => {
      if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return
      await this.changing(redisKey, () =>
        this.calls.remove(redisKey, this.removal, this.#watch.noteOf(id)),
      )
    })
  }

  /** Calls `look` when Redis tells that the session was removed or moved. It expires without a word. */
  watch(id: string, look: () => void): () => void {
    return this.#watch.add(id, look)
  }

  /** When the session expires, `undefined` when there is none: one command, past the cache. */
  async peek(id: string): Promise<Pick<Loaded, 'expiresAt'> | undefined> {
    const left = await this.run(id, async redisKey => {
      if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return NO_KEY
      return this.calls.timeLeft(redisKey)
    })
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

  /** What removes a session, and the command that fails where another type stands. */
  protected abstract readonly removal: Removal

  /** Whether what stands at a key that may be somebody else's is a session. */
  protected abstract isSession(redisKey: string): Promise<boolean>

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
  protected send(redisKey: string, command: readonly string[]): Promise<unknown> {
    return this.calls.send(redisKey, command)
  }

  protected redisKeyOf(id: string): string {
    if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')
    return this.keys.of(id)
  }

  /** @throws {@link SessionError} `ERR_ID` for an id under which no session would be found */
  protected keyOfNew(id: string): string {
    return this.keys.ofNew(id)
  }

  /** Whether nobody else has a key there. Otherwise what stands there is looked at first. */
  protected isOurs(redisKey: string): boolean {
    return this.keys.isOurs(redisKey)
  }

  /** What a command reads of a key that may be somebody else's; `undefined` where that is no session. */
  protected async readCarefully(redisKey: string, command: readonly string[]): Promise<unknown> {
    return this.keys.canBeOurs(redisKey) ? this.calls.readMortal(redisKey, command) : undefined
  }

  /** @throws {@link SessionError} when somebody else's key is there, which a write would destroy */
  protected async refuseForeign(id: string, redisKey: string): Promise<void> {
    if (this.isOurs(redisKey)) return
    this.keyOfNew(id)
    if (await this.isSession(redisKey)) return
    if ((await this.calls.timeLeft(redisKey)) === NO_KEY) return
    throw new SessionError('ERR_STORAGE', 'What is stored in Redis under that id is no session')
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

  /** Begins some work when the client is connected, if there is still time for it. */
  #begin<T>(deadline: TimeLimit, work: () => Promise<T>): Promise<T> {
    const ready = this.calls.connection.ready()
    if (ready === undefined) return work()
    return ready.then(() => {
      deadline.check()
      return work()
    })
  }

  async #refresh(id: string, left: number, ttl: number): Promise<void> {
    if (left <= 0) return
    await this.run(id, async redisKey => {
      if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return
      await this.calls.slide(redisKey, left, ttl)
    })
  }
}
