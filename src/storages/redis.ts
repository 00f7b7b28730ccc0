import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, changeInPlace, type EncodedData } from '../core/changes.ts'
import { isSessionError, SessionError } from '../core/errors.ts'
import { Recent } from '../core/recent.ts'
import type { TimeLimit } from '../core/time-limit.ts'
import { formatRecord, parseRecord } from './record.ts'
import { MOVED_NOTE } from './redis-moved-note.ts'
import { RedisReplace } from './redis-replace.ts'
import { DONE, RedisScript, type StepAnswer } from './redis-script.ts'
import { type Move, RedisStorage } from './redis-storage.ts'
import { TELL_ENDED } from './redis-watch.ts'
import { retry } from './retry.ts'
import { addMark, isMarked, MARK_KEY, withoutMark } from './write-mark.ts'

/** Half of what is remembered: some thousand sessions of usual size. */
const RECENT_CHARACTERS = 4_000_000

/** Merges that wait: the first one that has its turn writes for all of them. */
interface WaitingMerges {
  readonly changes: Set<Changes>
  ttl: number
  done?: Promise<boolean>
}

/**
 * KEYS: session. ARGV: expected text, mark, channel, message. Answers `DONE`, as the next one does, or a
 * list of what stands there instead: a text, or nil.
 */
const removeIfSame = new RedisScript(`${MOVED_NOTE}${TELL_ENDED}
if isNoted(ARGV[2]) then return 1 end
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return {text} end
redis.call('unlink', KEYS[1])
takeNote(ARGV[2])
tellEnded(ARGV[3], ARGV[4])
return 1`)

/**
 * KEYS: session, new session. ARGV: expected text, new text, ttl, whether to keep the old one, channel,
 * message.
 */
const moveIfSame = new RedisScript(`${TELL_ENDED}
local taken = redis.call('get', KEYS[2])
if taken == ARGV[2] then return 1 end
if taken then return 0 end
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return {text} end
redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3])
if ARGV[4] == '0' then
  redis.call('unlink', KEYS[1])
  tellEnded(ARGV[5], ARGV[6])
end
return 1`)
const TAKEN = 0

/** KEYS: session, where to put it. ARGV: expected text. */
const putAsideIfSame = new RedisScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('rename', KEYS[1], KEYS[2])
return 1`)

/**
 * Keeps sessions in Redis, each as one string: the JSON that GoFrame's `StorageRedis` writes. A
 * session is read and written as a whole; changes of others are merged all the same, since a write
 * takes place only on what it was merged into.
 */
export class StorageRedis extends RedisStorage {
  /** Spares those who come again the parsing, and a write the question what it will replace. */
  readonly #recent = new Recent<Parsed>(RECENT_CHARACTERS)
  readonly #replaceIfSame = new RedisReplace()
  /** Those that are last in the queue of their session. */
  readonly #waiting = new Map<string, WaitingMerges>()

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    const text = formatRecord(data)
    return this.run(id, async redisKey => {
      const created = await this.#create(redisKey, text, ttl)
      if (created) this.#remember(redisKey, { text, data })
      return created
    })
  }

  async merge(id: string, changes: Changes, ttl: number): Promise<boolean> {
    if (changes.update !== undefined || !this.isChanging(id)) {
      return this.inTurn(id, (redisKey, deadline) =>
        this.#mergeAll(redisKey, [changes], ttl, deadline),
      )
    }
    const merges = this.#waiting.get(id) ?? { changes: new Set(), ttl }
    this.#waiting.set(id, merges)
    merges.changes.add(changes)
    merges.ttl = ttl
    try {
      return await super.inTurn(id, (redisKey, deadline) => {
        // The time of another may be over before one's own is.
        const alone = () => this.#mergeAll(redisKey, [changes], ttl, deadline)
        if (merges.done !== undefined) return merges.done.catch(alone)
        merges.done = this.#mergeWaiting(id, merges, redisKey, deadline)
        return merges.done
      })
    } finally {
      // What has failed before the write began must not be stored with that of others.
      merges.changes.delete(changes)
      if (merges.changes.size === 0) this.#endWaiting(id, merges)
    }
  }

  protected async read(redisKey: string): Promise<Loaded | undefined> {
    const parsed = await this.#look(redisKey)
    return parsed && { data: withoutMark(parsed.data) }
  }

  protected async rotateAtOnce(move: Move): Promise<Rotation> {
    const { redisKey, newKey, ttl, keepOld, note } = move
    return this.#rotate(move, await this.#known(redisKey), async (text, moved) => {
      const args = [text, moved, String(ttl), keepOld ? '1' : '0', ...note]
      return this.runStep(moveIfSame, [redisKey, newKey], args)
    })
  }

  protected async rotateOverNodes(move: Move): Promise<Rotation> {
    const { redisKey, newKey, ttl, keepOld, note, deadline } = move
    const mark = this.newMark()
    let created = false
    // Asked now: where the old key stays, no script says whether it is still there.
    const now = await this.#look(redisKey)
    const rotation = await this.#rotate(move, now, async (text, moved) => {
      // Nobody knows the new id yet: what an attempt before this one put there is ours.
      if (created) await this.send(newKey, ['set', newKey, moved, 'px', String(ttl)])
      else created = await this.#create(newKey, moved, ttl)
      if (!created) return TAKEN
      if (keepOld) return DONE
      deadline.check()
      return this.runStep(removeIfSame, [redisKey], [text, mark, ...note])
    })
    if (rotation === 'absent' && created) await this.send(newKey, ['unlink', newKey])
    return rotation
  }

  /** Whoever comes next has a turn of its own after this. */
  protected override inTurn<T>(
    id: string,
    work: (redisKey: string, deadline: TimeLimit) => Promise<T>,
  ): Promise<T> {
    this.#waiting.delete(id)
    return super.inTurn(id, work)
  }

  protected async replace(id: string, data: EncodedData, ttl: number): Promise<void> {
    const text = formatRecord(data)
    await this.inTurn(id, redisKey =>
      this.send(redisKey, ['set', redisKey, text, 'px', String(ttl)]),
    )
  }

  #mergeWaiting(
    id: string,
    merges: WaitingMerges,
    redisKey: string,
    deadline: TimeLimit,
  ): Promise<boolean> {
    this.#endWaiting(id, merges)
    return this.#mergeAll(redisKey, [...merges.changes], merges.ttl, deadline)
  }

  #endWaiting(id: string, merges: WaitingMerges): void {
    if (this.#waiting.get(id) === merges) this.#waiting.delete(id)
  }

  async #mergeAll(
    redisKey: string,
    changes: readonly Changes[],
    ttl: number,
    deadline: TimeLimit,
  ): Promise<boolean> {
    const mark = changes.some(({ update }) => update !== undefined) ? this.newMark() : undefined
    let known = await this.#known(redisKey)
    return retry(deadline, async () => {
      if (known === undefined) return false
      const marks = known.data.get(MARK_KEY)?.slice(1, -1)
      if (mark !== undefined && isMarked(marks, mark)) return true
      const result = new Map(known.data)
      for (const each of changes) changeInPlace(result, each)
      if (mark !== undefined) result.set(MARK_KEY, `"${addMark(marks, mark)}"`)
      const merged = formatRecord(result)
      const answer = await this.runStep(
        this.#replaceIfSame,
        [redisKey],
        [known.text, merged, String(ttl)],
      )
      if (answer === DONE) {
        this.#remember(redisKey, { text: merged, data: result })
        return true
      }
      known = await this.#parsed(redisKey, textIn(answer))
      return undefined
    })
  }

  /** A command that is sent twice finds its own text the second time. */
  async #create(redisKey: string, text: string, ttl: number): Promise<boolean> {
    const answer = await this.send(redisKey, [
      ...['set', redisKey, text, 'px', String(ttl), 'nx', 'get'],
    ])
    if (answer === null || answer === text) return true
    if ((await this.#parsed(redisKey, textOf(answer))) !== undefined) return false
    return (
      (await this.runStep(this.#replaceIfSame, [redisKey], [textOf(answer), text, String(ttl)])) ===
      DONE
    )
  }

  #rotate(
    { redisKey, newKey, changes, deadline }: Move,
    expected: Parsed | undefined,
    move: (text: string, moved: string) => Promise<StepAnswer>,
  ): Promise<Rotation> {
    let known = expected
    return retry(deadline, async () => {
      if (known === undefined) return 'absent'
      const data = applyChanges(known.data, changes)
      const text = formatRecord(data)
      const answer = await move(known.text, text)
      if (answer === TAKEN) return 'taken'
      if (answer === DONE) {
        this.#remember(newKey, { text, data })
        return 'rotated'
      }
      known = await this.#parsed(redisKey, textIn(answer))
      return undefined
    })
  }

  /** What a change begins with: what this process saw last, and may be replaced since. */
  #known(redisKey: string): Awaitable<Parsed | undefined> {
    return this.#recent.get(redisKey) ?? this.#look(redisKey)
  }

  async #look(redisKey: string): Promise<Parsed | undefined> {
    return this.#parsed(redisKey, textOf(await this.send(redisKey, ['get', redisKey])))
  }

  #remember(redisKey: string, parsed: Parsed): void {
    this.#recent.set(redisKey, parsed, parsed.text.length)
  }

  /** What a text says, without parsing it again. */
  #parsed(redisKey: string, text: string): Awaitable<Parsed | undefined> {
    const known = this.#recent.get(redisKey)
    return known?.text === text ? known : this.#parse(redisKey, text)
  }

  /** What makes no sense is kept aside, in the same slot of a Cluster, for as long as it had to live. */
  async #parse(redisKey: string, text: string): Promise<Parsed | undefined> {
    try {
      const data = parseRecord(text)
      if (data === undefined) return undefined
      const parsed = { text, data }
      this.#remember(redisKey, parsed)
      return parsed
    } catch (error) {
      if (isSessionError(error)) {
        await this.runStep(putAsideIfSame, [redisKey, this.besideKey(redisKey)], [text])
      }
      throw error
    }
  }
}

/** What a text says. */
interface Parsed {
  readonly text: string
  readonly data: EncodedData
}

/** `''` stands for no record, as it does in GoFrame. */
function textOf(answer: unknown): string {
  if (typeof answer === 'string') return answer
  if (answer === null) return ''
  throw new SessionError('ERR_STORAGE', 'Redis answered something else than a text')
}

/** What stands there instead of the text that a step expected. */
function textIn(answer: StepAnswer): string {
  return textOf(Array.isArray(answer) ? answer[0] : answer)
}
