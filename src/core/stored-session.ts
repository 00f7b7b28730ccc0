import type { Awaitable, Loaded } from './atomic-storage.ts'
import { applyChanges, type EncodedData, type KeyUpdate, NO_DATA, RESERVED_KEY } from './changes.ts'
import { SessionError, sessionGone, storageError } from './errors.ts'
import type { LimitedStorage } from './limited-storage.ts'
import { makeId, type SessionIdFunc } from './make-id.ts'
import { type PendingChanges, track } from './pending-changes.ts'
import type { SessionContext, SessionObserver } from './session-context.ts'
import { Snapshot } from './snapshot.ts'
import { isPromise } from './thenable.ts'
import { Turns } from './turns.ts'

const ATTEMPTS = 3
type Later = Promise<void> | undefined

/**
 * One session as its storage knows it: the id, whether it exists, and the snapshot that was loaded.
 * Knows texts, not values. Loads are shared; everything that writes runs one after another.
 */
export class StoredSession {
  readonly #context: SessionContext
  /** The storage of the time when the session started, should the manager be given another. */
  readonly #storage: LimitedStorage
  readonly #idFunc: SessionIdFunc | undefined
  readonly #observer: SessionObserver | undefined
  /** Whether the application chose the id, so that it may name a session that does not exist yet. */
  #chosen: boolean
  readonly #turns = new Turns()
  #id: string | undefined
  /** Whether the storage holds a session under the id; undefined while nobody has asked. */
  #exists: boolean | undefined
  /** Whether it ever did, as far as is known here: once gone, it is not begun anew in silence. */
  #wasThere = false
  readonly #snapshot = new Snapshot()
  #loading: Promise<void> | undefined
  #removed = false

  constructor(
    context: SessionContext,
    id: string | undefined,
    chosen: boolean,
    idFunc: SessionIdFunc | undefined,
    observer: SessionObserver | undefined,
  ) {
    this.#context = context
    this.#storage = context.storage
    this.#id = id
    this.#chosen = chosen
    this.#idFunc = idFunc
    this.#observer = observer
  }

  /** The id under which the session is stored, as far as is known. */
  get storedId(): string | undefined {
    return this.#exists === true ? this.#id : undefined
  }

  /** False once it is certain that nothing is stored. */
  get mayExist(): boolean {
    return this.#turns.isBusy || (this.#id !== undefined && this.#exists !== false)
  }

  /** Whether something is being written. */
  get isBusy(): boolean {
    return this.#turns.isBusy
  }

  /** What the snapshot says of a key, without asking the storage. */
  peek(key: string): string | undefined {
    return this.#snapshot.data.get(key)
  }

  /** Whether a stored session was removed and none has been begun since. */
  get wasRemoved(): boolean {
    return this.#removed && this.#exists !== true
  }

  /** The id, made now if there is none. Makes sure first that a given one is known. */
  async id(): Promise<string> {
    if (this.#exists !== true) await this.read(undefined)
    return this.#id ?? this.#inTurn(() => this.#firstId())
  }

  /** The snapshot, once it tells of the key, or of all keys if none is named. */
  read(key: string | undefined): Awaitable<EncodedData> {
    if (this.#turns.isBusy || this.#loading !== undefined) return this.#readLater(key)
    if (this.#tellsOf(key)) return this.#snapshot.data
    const loaded = this.#load(key)
    if (loaded === undefined) return this.#snapshot.data
    this.#loading = loaded.finally(() => {
      this.#loading = undefined
    })
    return this.#readLater(key)
  }

  /**
   * Stores changes, and an update after them if one is given: merges them into the session, or
   * begins one if there is none.
   *
   * @param giveBack - called if they could not be stored, before anything else is written
   */
  commit(
    changes: PendingChanges,
    update: KeyUpdate | undefined,
    giveBack: () => void,
  ): Awaitable<void> {
    const work = () => this.#commit(update === undefined ? changes : changes.withUpdate(update))
    return this.#inTurn(work, giveBack)
  }

  /** Removes all sessions that the client has from the storage. What comes next begins a new one. */
  destroy(): Awaitable<void> {
    return this.#inTurn(async () => {
      const nextTo = (id: string | undefined): string | undefined => this.#observer?.idAfter?.(id)
      let id = this.#exists === false ? nextTo(this.#id) : this.#id
      for (; id !== undefined; id = nextTo(id)) {
        const idAtRest = this.#context.idAtRest(id)
        this.#context.written(idAtRest)
        await this.#storage.destroy(idAtRest)
      }
      this.#removed = true
      this.#chosen = this.#wasThere = this.#exists = false
      this.#forget()
    })
  }

  /** Stores the session with these changes under a new id, and answers that id. */
  rotate(changes: PendingChanges, keepOld: boolean, giveBack: () => void): Awaitable<string> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const newId = await this.#makeId()
        if (await this.#rotate(newId, changes, keepOld)) return newId
      }
      throw new SessionError('ERR_CONFLICT', `No unused id was found in ${ATTEMPTS} attempts`)
    }, giveBack)
  }

  async #readLater(key: string | undefined): Promise<EncodedData> {
    await this.#turns.idle()
    await this.#loading
    return this.read(key)
  }

  /** @param failed - called if the work failed, before anything else is written */
  #inTurn<T>(work: () => Awaitable<T>, failed?: () => void): Awaitable<T> {
    // What is being loaded must not arrive after what is being written.
    return this.#turns.run(work, this.#loading, error => {
      failed?.()
      throw storageError(error)
    })
  }

  #tellsOf(key: string | undefined): boolean {
    return this.#id === undefined || this.#exists === false || this.#snapshot.tellsOf(key)
  }

  /** Asks the storage; done at once when the storage answers at once. */
  #load(key: string | undefined): Later {
    const id = this.#context.idAtRest(this.#id ?? '')
    try {
      const loaded = this.#storage.load(id, this.#context.ttl, key)
      const accepted = isPromise(loaded)
        ? loaded.then(answer => this.#accept(id, answer, key))
        : this.#accept(id, loaded, key)
      return accepted?.catch(error => Promise.reject(storageError(error)))
    } catch (error) {
      throw storageError(error)
    }
  }

  #accept(id: string, loaded: Loaded | undefined, key: string | undefined): Later {
    if (loaded === undefined) {
      this.#forget()
      return this.#tellsOf(key) ? undefined : this.#load(key)
    }
    this.#exists = this.#wasThere = true
    this.#snapshot.add(loaded, key)
    const refreshed = this.#context.used(id, loaded.expiresAt)
    return isPromise(refreshed) ? refreshed : undefined
  }

  #commit(changes: PendingChanges): Awaitable<void> {
    if (changes.isEmpty) return undefined
    const { committed, tracked } = track(changes)
    const merged = this.#merge(tracked)
    if (merged !== true) return this.#commitLater(merged, tracked, committed)
    this.#snapshot.apply(committed)
    return undefined
  }

  /** @param merged - what the first attempt comes to */
  async #commitLater(
    merged: Awaitable<boolean>,
    tracked: PendingChanges,
    committed: PendingChanges,
  ): Promise<void> {
    let wasThere = await merged
    for (let attempt = 1; !wasThere; attempt++) {
      if (!tracked.addsSomething || (await this.#create(tracked))) return
      if (attempt === ATTEMPTS) {
        const message = `No new session could be begun in ${ATTEMPTS} attempts`
        throw new SessionError('ERR_CONFLICT', message)
      }
      wasThere = await this.#merge(tracked)
    }
    this.#snapshot.apply(committed)
  }

  /** Answers false when there is no session to merge into, so that one may be begun. */
  #merge(changes: PendingChanges): Awaitable<boolean> {
    if (this.#exists === false) this.#checkNotGone()
    if (this.#id === undefined || this.#exists === false) return false
    const id = this.#context.idAtRest(this.#id)
    const merged = this.#storage.merge(id, changes, this.#context.ttl)
    return isPromise(merged)
      ? merged.then(wasThere => this.#merged(id, wasThere, changes))
      : this.#merged(id, merged, changes)
  }

  #merged(id: string, wasThere: boolean, changes: PendingChanges): Awaitable<boolean> {
    if (!wasThere) {
      this.#checkNotGone()
      this.#forget()
      return this.#merge(changes)
    }
    this.#exists = this.#wasThere = true
    this.#context.written(id)
    return true
  }

  /** The id for the first thing that will be stored: known to name nothing yet. */
  async #firstId(): Promise<string> {
    if (this.#id !== undefined) return this.#id
    this.#exists = false
    this.#id = await this.#makeId()
    return this.#id
  }

  async #create(changes: PendingChanges): Promise<boolean> {
    const note = this.#observer?.beginning()
    this.#id ??= await this.#makeId()
    const data = applyChanges(NO_DATA, changes)
    if (note !== undefined) data.set(RESERVED_KEY, note)
    const id = this.#context.idAtRest(this.#id)
    if (await this.#storage.create(id, data, this.#context.ttl)) {
      this.#exists = this.#wasThere = true
      this.#snapshot.replace(data)
      return true
    }
    // Somebody began the chosen session first: merge into it. An id made here is simply taken.
    if (this.#chosen) this.#exists = undefined
    else this.#id = undefined
    return false
  }

  async #rotate(newId: string, changes: PendingChanges, keepOld: boolean): Promise<boolean> {
    if (this.#id === undefined || this.#exists === false) return this.#rotateNothing(newId, changes)
    const { idAtRest, ttl } = this.#context
    const [id, to] = [idAtRest(this.#id), idAtRest(newId)]
    const rotation = await this.#storage.rotate(id, to, changes, ttl, keepOld)
    if (rotation === 'taken') return false
    if (rotation === 'absent') {
      this.#checkNotGone()
      this.#forget()
      return this.#rotate(newId, changes, keepOld)
    }
    if (!keepOld) this.#context.written(id)
    this.#id = newId
    this.#chosen = false
    this.#exists = this.#wasThere = true
    this.#snapshot.apply(changes)
    return true
  }

  /** Nothing is stored yet: the new id is for the first thing that will be. */
  async #rotateNothing(newId: string, changes: PendingChanges): Promise<boolean> {
    this.#checkNotGone()
    this.#exists = this.#chosen = false
    this.#id = newId
    return !changes.addsSomething || this.#create(changes)
  }

  /** A session that was there and is not any more stays gone: nothing may bring it back. */
  #checkNotGone(): void {
    if (this.#wasThere) throw sessionGone()
  }

  /** There is no such session. An id that a client sent makes way for its next one; a chosen one stays. */
  #forget(): void {
    const isOver = this.#chosen || this.#wasThere || this.#exists === false
    const next = isOver ? undefined : this.#observer?.idAfter?.(this.#id)
    if (!this.#chosen) this.#id = next
    if (next !== undefined) return
    this.#exists = false
    this.#snapshot.replace(NO_DATA)
  }

  #makeId(): Promise<string> {
    return makeId(this.#storage, this.#context.ttl, this.#idFunc)
  }
}
