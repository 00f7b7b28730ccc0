/** What a session is to be, in the plainest words: maps, and no storage. */

type Data = Map<string, unknown>

interface Stored {
  data: Data
  /** Until then it must be there; refreshes may be late by `slack`. */
  surely: number
  /** From then on it must be gone. */
  atMost: number
}

export interface Outcome {
  readonly value?: unknown
  readonly error?: string
}

const REMOVED = Symbol('removed')
const GONE: Outcome = { error: 'ERR_GONE' }
const DONE: Outcome = { value: undefined }

/** All sessions, and the time. */
export class SessionsModel {
  readonly stored = new Map<string, Stored>()
  readonly ttl: number
  readonly slack: number
  now: number

  constructor(now: number, ttl: number, slack: number) {
    this.now = now
    this.ttl = ttl
    this.slack = slack
  }

  find(id: string | undefined): Stored | undefined {
    const stored = id === undefined ? undefined : this.stored.get(id)
    return stored === undefined || stored.atMost < this.now ? undefined : stored
  }

  /** Whether a session may be there or not, so that a look at the storage must tell. */
  isInDoubt(id: string): boolean {
    const stored = this.find(id)
    return stored !== undefined && stored.surely < this.now
  }

  settle(id: string, isThere: boolean): void {
    const stored = this.stored.get(id)
    if (!isThere) this.stored.delete(id)
    else if (stored !== undefined) stored.surely = this.now
  }

  store(id: string, data: Data): void {
    const deadline = this.now + this.ttl
    this.stored.set(id, { data, surely: deadline, atMost: deadline })
  }

  use(stored: Stored): void {
    stored.surely = Math.max(stored.surely, this.now + this.ttl - this.slack)
    stored.atMost = Math.max(stored.atMost, this.now + this.ttl)
  }
}

/** One request's session: a snapshot, and changes that wait. */
export class RequestModel {
  id: string | undefined
  readonly #sessions: SessionsModel
  #chosen: boolean
  #exists: boolean | undefined
  /** Whether it ever was there: it is not begun anew once it is gone. */
  #wasThere = false
  #snapshot: Data | undefined
  #pending = new Map<string, unknown>()

  constructor(sessions: SessionsModel, id: string | undefined, chosen: boolean) {
    this.#sessions = sessions
    this.id = id
    this.#chosen = chosen
  }

  data(): Data {
    return applied(this.#load(), this.#pending)
  }

  get(key: string): Outcome {
    const pending = this.#pending.get(key)
    if (pending === REMOVED) return DONE
    return { value: pending === undefined ? this.#load().get(key) : pending }
  }

  set(values: Iterable<readonly [string, unknown]>): Outcome {
    for (const [key, value] of values) this.#pending.set(key, value)
    return DONE
  }

  remove(keys: readonly string[]): Outcome {
    for (const key of keys) {
      if (this.#mayExist) this.#pending.set(key, REMOVED)
      else this.#pending.delete(key)
    }
    return DONE
  }

  /** @param idNow - the id of the real session afterwards, should one have begun */
  close(idNow: string): Outcome {
    return this.#pending.size === 0 ? DONE : this.#commit(this.#pending, idNow)
  }

  update(key: string, fn: (value: unknown) => unknown, idNow: string): Outcome {
    const stored = this.#existing()
    const before = applied(stored?.data ?? new Map(), this.#pending)
    const value = fn(before.get(key))
    const outcome = this.#commit(new Map([...this.#pending, [key, value]]), idNow)
    return outcome.error === undefined ? { value } : outcome
  }

  removeAll(): Outcome {
    this.#pending = new Map()
    if (this.id !== undefined && this.#exists !== false) this.#sessions.stored.delete(this.id)
    this.#chosen = false
    this.#wasThere = false
    this.#forget()
    return DONE
  }

  regenerate(keepOld: boolean, newId: string): Outcome {
    const stored = this.#exists === false ? undefined : this.#existing()
    if (stored === undefined && this.#wasThere) return GONE
    if (stored === undefined) {
      this.#forget()
      this.id = newId
      if (this.#adds(this.#pending)) this.#begin(this.#pending)
    } else {
      this.#sessions.store(newId, applied(stored.data, this.#pending))
      if (!keepOld && this.id !== undefined) this.#sessions.stored.delete(this.id)
      this.id = newId
      this.#found()
      if (this.#snapshot !== undefined) this.#snapshot = applied(this.#snapshot, this.#pending)
    }
    this.#chosen = false
    this.#pending = new Map()
    return DONE
  }

  get #mayExist(): boolean {
    return this.id !== undefined && this.#exists !== false
  }

  /** The session that changes go to. */
  #existing(): Stored | undefined {
    return this.#mayExist || this.#chosen ? this.#sessions.find(this.id) : undefined
  }

  #load(): Data {
    if (!this.#mayExist) return this.#snapshot ?? new Map()
    if (this.#snapshot !== undefined) return this.#snapshot
    const stored = this.#sessions.find(this.id)
    if (stored === undefined) this.#forget()
    else {
      this.#found()
      this.#snapshot = new Map(stored.data)
      this.#sessions.use(stored)
    }
    return this.#snapshot ?? new Map()
  }

  #commit(changes: Data, idNow: string): Outcome {
    const stored = this.#existing()
    if (stored === undefined && this.#wasThere) return GONE
    this.#pending = new Map()
    if (stored !== undefined && this.id !== undefined) {
      this.#sessions.store(this.id, applied(stored.data, changes))
      this.#found()
      if (this.#snapshot !== undefined) this.#snapshot = applied(this.#snapshot, changes)
    } else {
      this.#forget()
      if (this.#adds(changes)) {
        this.id = idNow
        this.#begin(changes)
      }
    }
    return DONE
  }

  #begin(changes: Data): void {
    const data = applied(new Map(), changes)
    if (this.id !== undefined) this.#sessions.store(this.id, data)
    this.#found()
    this.#snapshot = data
    this.#pending = new Map()
  }

  #found(): void {
    this.#exists = true
    this.#wasThere = true
  }

  #forget(): void {
    this.#exists = false
    this.#snapshot = new Map()
    if (!this.#chosen) this.id = undefined
  }

  #adds(changes: Data): boolean {
    return [...changes.values()].some(value => value !== REMOVED)
  }
}

function applied(data: Data, changes: Data): Data {
  const result = new Map(data)
  for (const [key, value] of changes) {
    if (value === REMOVED) result.delete(key)
    else result.set(key, value)
  }
  return result
}
