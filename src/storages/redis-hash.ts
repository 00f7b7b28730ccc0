import type { Loaded, Rotation } from '../core/atomic-storage.ts'
import {
  applyChanges,
  type Changes,
  type EncodedData,
  type KeyUpdate,
  NO_DATA,
  RESERVED_KEY,
} from '../core/changes.ts'
import { SessionError } from '../core/errors.ts'
import type { SessionData } from '../core/storage.ts'
import type { TimeLimit } from '../core/time-limit.ts'
import { decodeMembers, decodeValue, encodeValue } from '../core/value.ts'
import {
  createIfAbsent,
  mergeIfPresent,
  mergeIfSame,
  moveKey,
  putAlways,
  removeIfSame,
  replaceAll,
  TYPES_FIELD,
} from './redis-hash-scripts.ts'
import { decodeField, encodeField } from './redis-hash-values.ts'
import { type Removal, removalBy } from './redis-removal.ts'
import { DONE } from './redis-script.ts'
import { type Move, RedisStorage } from './redis-storage.ts'
import { retry } from './retry.ts'
import { MARK_KEY } from './write-mark.ts'

const REMOVAL = removalBy('hlen')
const GONE = 0
const TAKEN = 2
const NO_MARK = ''
/** What the library keeps beside each key. */
const LIBRARY_FIELDS = [TYPES_FIELD, RESERVED_KEY] as const

/** Nothing that UTF-8 could hold: Redis would be given another key. */
const HALF_PAIR = /\p{Surrogate}/u

/** The fields of a hash, as Redis answers them. */
type Fields = ReadonlyMap<string, string>

/**
 * Keeps sessions in Redis, each as one hash with a field for each key, written as GoFrame's
 * `StorageRedisHashTable` writes them. A key is read without the others, which suits large sessions;
 * changes are stored together, in one step, when the session is closed.
 */
export class StorageRedisHashTable extends RedisStorage {
  protected readonly removal: Removal = REMOVAL

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    const args = [this.newMark(), String(ttl), ...fieldsToPut(data)]
    const create = () => this.calls.runStep(createIfAbsent, [this.keyOfNew(id)], args)
    return (await this.run(id, create)) === DONE
  }

  async merge(id: string, changes: Changes, ttl: number): Promise<boolean> {
    const { update } = changes
    // One script does it, so nobody need wait for another.
    if (update === undefined) {
      return this.run(id, async redisKey => {
        if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return false
        return this.changing(redisKey, () => this.#merge(redisKey, changes, String(ttl)))
      })
    }
    return this.inTurn(id, async (redisKey, deadline) => {
      if (!this.isOurs(redisKey) && !(await this.isSession(redisKey))) return false
      return this.#update(redisKey, deadline, changes, update, String(ttl))
    })
  }

  /** The value of one key, in one command. */
  override async get(id: string, key: string): Promise<unknown> {
    const loaded = await this.load(id, 0, key)
    const text = loaded?.data.get(key)
    return text === undefined ? undefined : decodeValue(text)
  }

  override async data(id: string): Promise<SessionData> {
    return decodeMembers((await this.load(id, 0))?.data ?? NO_DATA)
  }

  override async getSize(id: string): Promise<number> {
    return Object.keys(await this.data(id)).length
  }

  override set(id: string, key: string, value: unknown, ttl: number): Promise<void> {
    return this.setMap(id, { [key]: value }, ttl)
  }

  override async setMap(id: string, data: SessionData, ttl: number): Promise<void> {
    const args = [NO_MARK, String(ttl), ...fieldsToPut(encodeAll(data))]
    await this.inTurn(id, async redisKey => {
      await this.refuseForeign(id, redisKey)
      return this.calls.runStep(putAlways, [redisKey], args)
    })
  }

  override async remove(id: string, key: string): Promise<void> {
    const changes = { set: NO_DATA, removed: new Set([key]) }
    await this.inTurn(id, async redisKey => {
      await this.refuseForeign(id, redisKey)
      return this.#merge(redisKey, changes, '0')
    })
  }

  protected async replace(id: string, data: EncodedData, ttl: number): Promise<void> {
    const args = [NO_MARK, String(ttl), ...fieldsToPut(data)]
    await this.inTurn(id, async redisKey => {
      await this.refuseForeign(id, redisKey)
      return this.calls.runStep(replaceAll, [redisKey], args)
    })
  }

  protected async read(redisKey: string, key?: string): Promise<Loaded | undefined> {
    return (await this.#loadKey(redisKey, key)) ?? (await this.#loadAll(redisKey))
  }

  protected async isSession(redisKey: string): Promise<boolean> {
    return Number(await this.readCarefully(redisKey, ['hlen', redisKey])) > 0
  }

  protected async rotateAtOnce(move: Move): Promise<Rotation> {
    const { redisKey, newKey, changes, ttl, keepOld, note } = move
    // No script can compute what a function of the application's does.
    if (changes.update !== undefined) {
      return this.rotateOverNodes(move)
    }
    const put = fieldsToPut(changes.set, changes.removed)
    const args = [this.newMark(), String(ttl), keepOld ? '1' : '0', ...note, ...put]
    const answer = await this.calls.runStep(moveKey, [redisKey, newKey], args)
    if (answer === TAKEN) return 'taken'
    return answer === GONE ? 'absent' : 'rotated'
  }

  protected async rotateOverNodes(move: Move): Promise<Rotation> {
    const { redisKey, newKey, changes, ttl, keepOld, note, deadline } = move
    const mark = this.newMark()
    let created = false
    return retry(deadline, async () => {
      const fields = await this.#fields(redisKey)
      if (fields === undefined) {
        if (created) await this.send(newKey, ['unlink', newKey])
        return 'absent'
      }
      const put = fieldsToPut(applyChanges(decodeFields(fields), changes))
      // Nobody knows the new id yet: what an attempt before this one put there is ours.
      const script = created ? replaceAll : createIfAbsent
      const answer = await this.calls.runStep(script, [newKey], [mark, String(ttl), ...put])
      if (answer !== DONE) return 'taken'
      created = true
      if (keepOld) return 'rotated'
      deadline.check()
      const args = [mark, ...note, ...[...fields].flat()]
      const removed = await this.calls.runStep(removeIfSame, [redisKey], args)
      return removed === DONE ? 'rotated' : undefined
    })
  }

  /** One key and what the library keeps; `undefined` when that does not tell whether there is a session. */
  async #loadKey(redisKey: string, key: string | undefined): Promise<Loaded | undefined> {
    if (key === undefined) return undefined
    const names = key === RESERVED_KEY ? LIBRARY_FIELDS : [key, ...LIBRARY_FIELDS]
    const values = await this.#list(redisKey, ['hmget', redisKey, ...names])
    const fields = new Map<string, string>()
    for (const [index, name] of names.entries()) {
      const value = values[index]
      if (typeof value === 'string') fields.set(name, value)
    }
    return fields.size === 0 ? undefined : { data: decodeFields(fields), partial: true }
  }

  async #loadAll(redisKey: string): Promise<Loaded | undefined> {
    const fields = await this.#fields(redisKey)
    return fields && { data: decodeFields(fields) }
  }

  async #fields(redisKey: string): Promise<Fields | undefined> {
    const list = await this.#list(redisKey, ['hgetall', redisKey])
    const fields = new Map<string, string>()
    for (let index = 0; index < list.length; index += 2) {
      fields.set(String(list[index]), String(list[index + 1]))
    }
    return fields.size === 0 ? undefined : fields
  }

  async #list(redisKey: string, command: readonly string[]): Promise<readonly unknown[]> {
    if (this.isOurs(redisKey)) return listOf(await this.send(redisKey, command))
    return listOf((await this.readCarefully(redisKey, command)) ?? [])
  }

  async #merge(redisKey: string, changes: Changes, ttl: string): Promise<boolean> {
    const args = [NO_MARK, ttl, ...fieldsToPut(changes.set, changes.removed)]
    return (await this.calls.runStep(mergeIfPresent, [redisKey], args)) === DONE
  }

  /** Stores the changes if the key that is updated is still what the new value was computed from. */
  async #update(
    redisKey: string,
    deadline: TimeLimit,
    changes: Changes,
    update: KeyUpdate,
    ttl: string,
  ): Promise<boolean> {
    const mark = this.newMark()
    const names = [update.key, TYPES_FIELD]
    let [value, types]: readonly unknown[] = listOf(
      await this.send(redisKey, ['hmget', redisKey, ...names]),
    )
    return retry(deadline, async () => {
      const before = decodeFields(fieldsOf(update.key, value, types))
      const after = applyChanges(before, changes)
      const put = fieldsToPut(after, changes.removed)
      const isThere = typeof value === 'string'
      const wanted = [update.key, isThere ? '1' : '0', isThere ? String(value) : '']
      const answer = await this.calls.runStep(
        mergeIfSame,
        [redisKey],
        [mark, ttl, ...wanted, ...put],
      )
      if (answer === DONE || answer === GONE) return answer === DONE
      ;[value, types] = listOf(answer)
      return undefined
    })
  }
}

/** What the scripts take to put: how many fields to set, each with value and type; which to remove. */
function fieldsToPut(data: EncodedData, removed: ReadonlySet<string> = new Set()): string[] {
  const list = [String(data.size)]
  for (const [key, text] of data) {
    if (HALF_PAIR.test(key)) throw new SessionError('ERR_KEY', 'A key has half a surrogate pair')
    const { value, type } = key === RESERVED_KEY ? { value: text, type: '' } : encodeField(text)
    list.push(key, value, type)
  }
  const gone = [...removed].filter(key => !data.has(key))
  list.push(String(gone.length), ...gone)
  return list
}

/** The data of some fields, without those that are the storage's own. */
function decodeFields(fields: Fields): EncodedData {
  const types = typesIn(fields.get(TYPES_FIELD))
  const data = new Map<string, string>()
  for (const [key, value] of fields) {
    if (key === TYPES_FIELD || key === MARK_KEY) continue
    const type = String(types.get(key) ?? '')
    data.set(key, key === RESERVED_KEY ? value : decodeField({ value, type }))
  }
  return data
}

function typesIn(text: string | undefined): ReadonlyMap<string, unknown> {
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}')))
  } catch {
    return new Map()
  }
}

function fieldsOf(key: string, value: unknown, types: unknown): Fields {
  const fields = new Map<string, string>()
  if (typeof value === 'string') fields.set(key, value)
  if (typeof types === 'string') fields.set(TYPES_FIELD, types)
  return fields
}

function encodeAll(data: SessionData): EncodedData {
  return new Map(Object.entries(data).map(([key, value]) => [key, encodeValue(value, key)]))
}

/** A reply that is a list; ioredis 6 may be told to make objects of maps. */
function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply
  if (typeof reply === 'object' && reply !== null) return Object.entries(reply).flat()
  throw new SessionError('ERR_STORAGE', 'Redis answered something else than a list')
}
