import type { Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, type EncodedData } from '../core/changes.ts'
import { SessionError } from '../core/errors.ts'
import { formatRecord, parseRecord } from './record.ts'
import { RedisScript } from './redis-script.ts'
import { RedisStorage, retry } from './redis-storage.ts'
import { MARK_KEY, newMark, withoutMark } from './write-mark.ts'

/** Each script answers 1 when it was done, else what stands there instead: a text, or nil for nothing. */
const DONE = 1

/** KEYS: session. ARGV: expected text, new text, ttl. */
const replaceIfSame = new RedisScript(`
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return text end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1`)

/** KEYS: session. ARGV: expected text. */
const removeIfSame = new RedisScript(`
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return text end
redis.call('unlink', KEYS[1])
return 1`)

/** KEYS: session, new session. ARGV: expected text, new text, ttl, whether to keep the old one. */
const moveIfSame = new RedisScript(`
local taken = redis.call('get', KEYS[2])
if taken == ARGV[2] then return 1 end
if taken then return 0 end
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return text end
redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3])
if ARGV[4] == '0' then redis.call('unlink', KEYS[1]) end
return 1`)
const TAKEN = 0

/** KEYS: session, where to put it. ARGV: expected text. */
const putAsideIfSame = new RedisScript(`
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('rename', KEYS[1], KEYS[2]) end`)

/**
 * Keeps sessions in Redis, each as one string: the JSON that GoFrame's `StorageRedis` writes. A
 * session is read and written as a whole; changes of others are merged all the same, since a write
 * takes place only on what it was merged into.
 */
export class StorageRedis extends RedisStorage {
  /** The texts that were loaded, so that a write after it needs not ask again. */
  readonly #texts = new WeakMap<EncodedData, string>()

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    return this.run(id, redisKey => this.#create(redisKey, formatRecord(data), ttl))
  }

  async load(id: string): Promise<Loaded | undefined> {
    return this.run(id, async redisKey => {
      const text = await this.#read(redisKey)
      const data = await this.#parse(redisKey, text)
      if (data === undefined) return undefined
      const shown = withoutMark(data)
      this.#texts.set(shown, text)
      return { data: shown }
    })
  }

  async merge(id: string, changes: Changes, ttl: number, loaded?: EncodedData): Promise<boolean> {
    return this.inTurn(id, async redisKey => {
      const mark = changes.update && JSON.stringify(newMark())
      let text = await this.#known(redisKey, loaded)
      return retry(async () => {
        const data = await this.#parse(redisKey, text)
        if (data === undefined) return false
        if (mark !== undefined && data.get(MARK_KEY) === mark) return true
        const result = applyChanges(data, changes)
        if (mark !== undefined) result.set(MARK_KEY, mark)
        const merged = formatRecord(result)
        const answer = await this.runScript(replaceIfSame, [redisKey], [text, merged, String(ttl)])
        if (answer === DONE) return true
        text = textOf(answer)
        return undefined
      })
    })
  }

  protected rotateAtOnce(
    redisKey: string,
    newKey: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
    loaded: EncodedData | undefined,
  ): Promise<Rotation> {
    return this.#rotate(redisKey, changes, loaded, async (text, moved) => {
      const args = [text, moved, String(ttl), keepOld ? '1' : '0']
      return this.runScript(moveIfSame, [redisKey, newKey], args)
    })
  }

  protected rotateOverNodes(
    redisKey: string,
    newKey: string,
    changes: Changes,
    ttl: number,
    keepOld: boolean,
  ): Promise<Rotation> {
    let created = false
    return this.#rotate(redisKey, changes, undefined, async (text, moved) => {
      // Nobody knows the new id yet: what an attempt before this one put there is ours.
      if (created) await this.send(newKey, ['set', newKey, moved, 'px', String(ttl)])
      else created = await this.#create(newKey, moved, ttl)
      if (!created) return TAKEN
      if (keepOld) return DONE
      const answer = await this.runScript(removeIfSame, [redisKey], [text])
      if (answer !== DONE && textOf(answer) === '') await this.send(newKey, ['unlink', newKey])
      return answer
    })
  }

  protected async replace(id: string, data: EncodedData, ttl: number): Promise<void> {
    const text = formatRecord(data)
    await this.run(id, redisKey => this.send(redisKey, ['set', redisKey, text, 'px', String(ttl)]))
  }

  /** A command that is sent twice finds its own text the second time. */
  async #create(redisKey: string, text: string, ttl: number): Promise<boolean> {
    const answer = await this.send(redisKey, [
      ...['set', redisKey, text, 'px', String(ttl), 'nx', 'get'],
    ])
    if (answer === null || answer === text) return true
    if ((await this.#parse(redisKey, textOf(answer))) !== undefined) return false
    return (
      (await this.runScript(replaceIfSame, [redisKey], [textOf(answer), text, String(ttl)])) ===
      DONE
    )
  }

  #rotate(
    redisKey: string,
    changes: Changes,
    loaded: EncodedData | undefined,
    move: (text: string, moved: string) => Promise<unknown>,
  ): Promise<Rotation> {
    let known = loaded
    return retry(async () => {
      const text = await this.#known(redisKey, known)
      known = undefined
      const data = await this.#parse(redisKey, text)
      if (data === undefined) return 'absent'
      const answer = await move(text, formatRecord(applyChanges(data, changes)))
      if (answer === DONE) return 'rotated'
      if (answer === TAKEN) return 'taken'
      return textOf(answer) === '' ? 'absent' : undefined
    })
  }

  async #known(redisKey: string, loaded: EncodedData | undefined): Promise<string> {
    return (loaded && this.#texts.get(loaded)) ?? this.#read(redisKey)
  }

  async #read(redisKey: string): Promise<string> {
    return textOf(await this.send(redisKey, ['get', redisKey]))
  }

  /** What makes no sense is kept aside, in the same slot of a Cluster, for as long as it had to live. */
  async #parse(redisKey: string, text: string): Promise<EncodedData | undefined> {
    try {
      return parseRecord(text)
    } catch (error) {
      if (error instanceof SessionError) {
        await this.runScript(putAsideIfSame, [redisKey, asideOf(redisKey)], [text])
      }
      throw error
    }
  }
}

/** `''` stands for no record, as it does in GoFrame. */
function textOf(answer: unknown): string {
  return typeof answer === 'string' ? answer : ''
}

function asideOf(redisKey: string): string {
  return /\{[^}]+\}/.test(redisKey) ? `${redisKey}:unreadable` : `{${redisKey}}:unreadable`
}
