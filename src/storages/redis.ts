import type { Awaitable, Loaded, Rotation } from '../core/atomic-storage.ts'
import { applyChanges, type Changes, changeInPlace, type EncodedData } from '../core/changes.ts'
import { isSessionError, SessionError } from '../core/errors.ts'
import { Recent } from '../core/recent.ts'
import type { TimeLimit } from '../core/time-limit.ts'
import { formatRecord } from './record.ts'
import { type Parsed, parse, recordOf } from './redis-record.ts'
import { type Removal, removalBy } from './redis-removal.ts'
import { RedisReplace } from './redis-replace.ts'
import { DONE, type StepAnswer } from './redis-script.ts'
import { type Move, RedisStorage } from './redis-storage.ts'
import { dropIfSame, moveIfSame, removeIfSame, TAKEN } from './redis-string-scripts.ts'
import { retry } from './retry.ts'
import { isMarked, marksWith } from './write-mark.ts'

/** Half of what is remembered: some thousand sessions of usual size. */
const RECENT_CHARACTERS = 4_000_000
/** What each takes beside its text. */
const ENTRY_CHARACTERS = 200

/** Merges that wait: the first one that has its turn writes for all of them. */
interface WaitingMerges {
  readonly changes: Set<Changes>
  ttl: number
  done?: Promise<boolean>
}

const REMOVAL = removalBy('strlen')

/**
 * Keeps sessions in Redis, each as one string: the JSON that GoFrame's `StorageRedis` writes. A
 * session is read and written as a whole; changes of others are merged all the same, since a write
 * takes place only on what it was merged into.
 */
export class StorageRedis extends RedisStorage {
  protected readonly removal: Removal = REMOVAL
  /** Spares those who come again the parsing, and a write the question what it will replace. */
  readonly #recent = new Recent<Parsed>(RECENT_CHARACTERS)
  readonly #replaceIfSame = new RedisReplace()
  /** Those that are last in the queue of their session. */
  readonly #waiting = new Map<string, WaitingMerges>()

  async create(id: string, data: EncodedData, ttl: number): Promise<boolean> {
    const mark = this.#markOfNew()
    const record = recordOf(data, mark)
    return this.run(id, async () => {
      const redisKey = this.keyOfNew(id)
      const created = await this.#create(redisKey, record.text, mark, ttl)
      if (created) this.#remember(redisKey, record)
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
    return parsed && { data: parsed.data }
  }

  protected async isSession(redisKey: string): Promise<boolean> {
    return (await this.#look(redisKey)) !== undefined
  }

  protected async rotateAtOnce(move: Move): Promise<Rotation> {
    const { redisKey, newKey, ttl, keepOld, note } = move
    const mark = this.#markOfNew()
    return this.#rotate(move, mark, await this.#known(redisKey), async (text, moved) => {
      const args = [text, moved, String(ttl), keepOld ? '1' : '0', ...note, mark ?? '']
      return this.calls.runStep(moveIfSame, [redisKey, newKey], args)
    })
  }

  protected async rotateOverNodes(move: Move): Promise<Rotation> {
    const { redisKey, newKey, ttl, keepOld, note, deadline } = move
    const mark = this.newMark()
    let created = false
    // Asked now: where the old key stays, no script says whether it is still there.
    const now = await this.#look(redisKey)
    const rotation = await this.#rotate(move, mark, now, async (text, moved) => {
      // Nobody knows the new id yet: what an attempt before this one put there is ours.
      if (created) await this.send(newKey, ['set', newKey, moved, 'px', String(ttl)])
      else created = await this.#create(newKey, moved, mark, ttl)
      if (!created) return TAKEN
      if (keepOld) return DONE
      deadline.check()
      return this.calls.runStep(removeIfSame, [redisKey], [mark, ...note, text])
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
    await this.inTurn(id, async redisKey => {
      await this.refuseForeign(id, redisKey)
      await this.send(redisKey, ['set', redisKey, text, 'px', String(ttl)])
    })
  }

  /** By which a session is known as one's own under a new id, where a client may have put it there twice. */
  #markOfNew(): string | undefined {
    return this.calls.connection.sendsAgain ? this.newMark() : undefined
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
      const { text, data, marks } = known
      if (mark !== undefined && isMarked(marks, mark)) return true
      const result = new Map(data)
      for (const each of changes) changeInPlace(result, each)
      const merged = recordOf(result, marksWith(marks, mark))
      const args = [text, merged.text, String(ttl)]
      const answer = await this.calls.runStep(this.#replaceIfSame, [redisKey], args)
      if (answer === DONE) {
        this.#remember(redisKey, merged)
        return true
      }
      known = await this.#parsed(redisKey, textIn(answer))
      return undefined
    })
  }

  /** A command that is sent twice finds its own mark the second time. */
  async #create(
    redisKey: string,
    text: string,
    mark: string | undefined,
    ttl: number,
  ): Promise<boolean> {
    const command = ['set', redisKey, text, 'px', String(ttl), 'nx', 'get']
    const answer = await this.send(redisKey, command)
    if (answer === null) return true
    const there = textOf(answer)
    if (mark !== undefined && there.includes(mark)) return true
    // What is no session may be somebody else's.
    if (!this.isOurs(redisKey)) return false
    if ((await this.#parsed(redisKey, there)) !== undefined) return false
    return (
      (await this.calls.runStep(this.#replaceIfSame, [redisKey], [there, text, String(ttl)])) ===
      DONE
    )
  }

  #rotate(
    { redisKey, newKey, changes, deadline }: Move,
    mark: string | undefined,
    expected: Parsed | undefined,
    move: (text: string, moved: string) => Promise<StepAnswer>,
  ): Promise<Rotation> {
    let known = expected
    return retry(deadline, async () => {
      if (known === undefined) return 'absent'
      const moved = recordOf(applyChanges(known.data, changes), marksWith(known.marks, mark))
      const answer = await move(known.text, moved.text)
      if (answer === TAKEN) return 'taken'
      if (answer === DONE) {
        this.#remember(newKey, moved)
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
    const command = ['get', redisKey]
    if (this.isOurs(redisKey)) {
      return this.#parsed(redisKey, textOf(await this.send(redisKey, command)))
    }
    const text = await this.readCarefully(redisKey, command)
    return typeof text === 'string' ? this.#parsed(redisKey, text) : undefined
  }

  #remember(redisKey: string, parsed: Parsed): void {
    this.#recent.set(redisKey, parsed, parsed.text.length + ENTRY_CHARACTERS)
  }

  /** What a text says, without parsing it again. */
  #parsed(redisKey: string, text: string): Awaitable<Parsed | undefined> {
    const known = this.#recent.get(redisKey)
    return known?.text === text ? known : this.#parse(redisKey, text)
  }

  async #parse(redisKey: string, text: string): Promise<Parsed | undefined> {
    try {
      const parsed = parse(text)
      if (parsed !== undefined) this.#remember(redisKey, parsed)
      return parsed
    } catch (error) {
      if (!isSessionError(error)) throw error
      // A text of somebody else, as far as anybody knows.
      if (!this.keys.arePrefixed) return undefined
      await this.#putAside(redisKey, text)
      throw error
    }
  }

  /**
   * What makes no sense is kept aside for as long as it had to live. Step by step, since the other key
   * may be on another node.
   */
  async #putAside(redisKey: string, text: string): Promise<void> {
    const left = Number(await this.send(redisKey, ['pttl', redisKey]))
    const aside = `{${redisKey}}:unreadable`
    const end = left > 0 ? ['px', String(left)] : []
    await this.send(aside, ['set', aside, text, ...end])
    await this.calls.runStep(dropIfSame, [redisKey], [text])
  }
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
