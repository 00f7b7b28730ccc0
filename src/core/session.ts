import type { Awaitable } from './atomic-storage.ts'
import { ChangedSession } from './changed-session.ts'
import { RESERVED_KEY } from './changes.ts'
import { SessionError } from './errors.ts'
import { checkKey, checkMap } from './key.ts'
import { chooseId, type SessionIdFunc } from './make-id.ts'
import { tellOfMisuse } from './misuse.ts'
import { attempt, Outcomes } from './outcomes.ts'
import { readOnly } from './read-only.ts'
import type { SessionChange, SessionContext, SessionObserver } from './session-context.ts'
import { isSessionId } from './session-id.ts'
import type { KeyOf, ValueOr } from './session-types.ts'
import { StoredSession } from './stored-session.ts'
import { isPromise } from './thenable.ts'
import { decodeMembers, encodeValue } from './value.ts'
import { ValueUpdate } from './value-update.ts'
import { Var } from './var.ts'
import { Views } from './views.ts'

/**
 * One visitor's data, bound to one request (or connection, or call).
 *
 * A session is lazy: the first method that needs the storage loads a snapshot, and later ones read
 * from it. Changes are recorded at the call, in the order of the calls, awaited or not, and stored
 * by `close`; only they are sent, and merged into whatever is stored by then, so requests that
 * change different keys never undo each other. `update`, `removeAll` and `regenerateId` act at once.
 *
 * Nobody need wait for a change: `close` tells of one that failed, and so does the answer to a request.
 *
 * Every method that talks to the storage rejects with `ERR_STORAGE` when the storage fails, and with
 * `ERR_UNREADABLE` when what is stored cannot be read; calling again tries again.
 */
export class Session<Data extends object = Record<string, unknown>> implements AsyncDisposable {
  readonly #context: SessionContext
  readonly #observer: SessionObserver | undefined
  #givenId: string | undefined
  #chosen = false
  #idFunc: SessionIdFunc | undefined
  /** Undefined until the session starts. */
  #session: ChangedSession | undefined
  readonly #outcomes: Outcomes
  readonly #views = new Views()

  /** Sessions are made by `manager.new`. @internal */
  constructor(
    context: SessionContext,
    givenId: string | undefined,
    observer: SessionObserver | undefined,
  ) {
    this.#context = context
    this.#givenId = givenId
    this.#observer = observer
    this.#outcomes = new Outcomes(context, observer)
    Object.preventExtensions(this)
  }

  /** Whether `close` has changes to store: `update`, `removeAll` and `regenerateId` do it themselves. */
  get isDirty(): boolean {
    return this.#session?.isDirty ?? false
  }

  /**
   * The value of a key. It is read-only: changing what an object or array holds throws, since
   * nobody would store it; use {@link update}. Integers beyond 2^53 - 1 are `bigint`.
   *
   * @returns the value, or `undefined` when the session or the key does not exist. With a fallback:
   * that, in place of `undefined` and of a stored `null`.
   */
  get<Key extends KeyOf<Data>>(key: Key): Promise<Data[Key] | undefined>
  get<Key extends KeyOf<Data>, Fallback>(
    key: Key,
    fallback: Fallback,
  ): Promise<ValueOr<Data[Key], Fallback>>
  get(key: string, fallback?: unknown): Promise<unknown> {
    return this.#read(key, text => {
      if (text === undefined || (text === 'null' && fallback !== undefined)) return fallback
      return this.#views.of(key, text)
    })
  }

  /** The value of a key, to convert to what you need. An absent key gives an empty {@link Var}. */
  var(key: KeyOf<Data>): Promise<Var> {
    return this.#read(
      key,
      text => new Var(text === undefined ? undefined : this.#views.of(key, text)),
    )
  }

  /** Whether the key exists and is not `null`. */
  contains(key: KeyOf<Data>): Promise<boolean> {
    return this.#read(key, text => text !== undefined && text !== 'null')
  }

  /** All keys and values, read-only like those of {@link get}; `{}` when there is no session. */
  data(): Promise<Readonly<Partial<Data>>> {
    return attempt(async () => {
      const texts = await this.#reading().allTexts()
      return readOnly(decodeMembers(texts) as Partial<Data>)
    })
  }

  /** How many keys there are, those with `null` included. */
  size(): Promise<number> {
    return attempt(async () => (await this.#reading().allTexts()).size)
  }

  /**
   * Records a value, to be stored by `close`. Makes no I/O. The value is copied: changing it later
   * changes nothing here.
   *
   * @throws {@link SessionError} `ERR_VALUE` when it is not data that a session can keep
   */
  set<Key extends KeyOf<Data>>(key: Key, value: Data[Key]): Promise<void> {
    return this.#outcomes.change(() => {
      const text = encodeValue(value, checkKey(key))
      this.#changing('data').set(key, text)
    })
  }

  /** Records several values; when one is refused, none. Makes no I/O. See {@link set}. */
  setMap(values: Readonly<Partial<Data>>): Promise<void> {
    return this.#outcomes.change(() => {
      const texts = Object.entries(checkMap(values)).map(
        ([key, value]) => [checkKey(key), encodeValue(value, key)] as const,
      )
      if (texts.length === 0) return
      const session = this.#changing('data')
      for (const [key, text] of texts) session.set(key, text)
    })
  }

  /**
   * Sets one key from what is stored at that moment, atomically: whatever other requests, processes
   * and nodes do meanwhile, no update is lost. Stored when it resolves, together with the changes
   * recorded before it. Begins a session if there is none.
   *
   * @param fn - gets a copy that it may change, `undefined` when the key does not exist, and returns
   * the new value. It must not wait for anything, and may run again when another change came first.
   * @returns the value that was stored, read-only
   * @throws {@link SessionError} `ERR_VALUE` when `fn` returned what a session cannot keep; `ERR_GONE`
   * when the session was removed meanwhile; `ERR_CONFLICT` when others kept coming first
   */
  update<Key extends KeyOf<Data>, Value extends Data[Key] = Data[Key]>(
    key: Key,
    fn: (value: Value | undefined) => Value,
  ): Promise<Value> {
    return this.#outcomes.change(() => {
      checkKey(key)
      const update = new ValueUpdate(key, fn)
      const session = this.#changing('data')
      const stored = session.commit({ key, fn: text => update.run(text) })
      return isPromise(stored) ? update.resultOf(stored) : update.result
    })
  }

  /** Records the removal of keys, to be stored by `close`. Makes no I/O; missing keys do not matter. */
  remove(...keys: KeyOf<Data>[]): Promise<void> {
    return this.#outcomes.change(() => {
      for (const key of keys) checkKey(key)
      if (keys.length > 0) this.#changing('data').remove(keys)
    })
  }

  /**
   * Removes the session from the storage at once: log-out. What is in flight elsewhere cannot bring
   * it back. A later `set` begins a new session under a new id. Nothing happens when there is none.
   */
  removeAll(): Promise<void> {
    return this.#outcomes.change(() => this.#changing('removal').removeAll())
  }

  /**
   * The session's id. Loads the session if it has an id that may be unknown. When there is none, one
   * is made and kept for the case that something is set; nothing is stored for it.
   */
  id(): Promise<string> {
    return attempt(() => this.#reading().stored.id())
  }

  /**
   * Chooses the id, before the session starts. If the storage does not know it, what is set is
   * stored under it: the application may choose, a client may not. `''` is the same as none.
   *
   * @throws {@link SessionError} `ERR_STARTED` once the session was read or changed; `ERR_ID` when it
   * is not 1 to 128 of A-Z a-z 0-9 _ -
   */
  setId(id: string): void {
    this.#checkNotStarted('setId')
    this.#givenId = id === '' ? undefined : chooseId(id)
    this.#chosen = id !== ''
  }

  /**
   * Chooses how new ids are made, before the session starts. The function is given the ttl in
   * milliseconds; its ids must be hard to guess, 22 to 128 of A-Z a-z 0-9 _ -.
   *
   * @throws {@link SessionError} `ERR_STARTED` once the session was read or changed
   */
  setIdFunc(idFunc: SessionIdFunc): void {
    this.#checkNotStarted('setIdFunc')
    this.#idFunc = idFunc
  }

  /**
   * Gives the session a new id, against session fixation: call it whenever somebody logs in or gains
   * rights (OWASP Session Management Cheat Sheet). Stores what was set so far under the new id, then
   * removes the old one; requests in flight on it can neither revive it nor see what comes later.
   * When nothing is stored and nothing was set, nothing is stored now.
   *
   * @param options.keepOld - leaves the session under the old id too, until its ttl ends; from here
   * on the two are apart
   * @returns the new id
   * @throws {@link SessionError} `ERR_GONE` when the session was removed meanwhile
   */
  regenerateId(options: { readonly keepOld?: boolean } = {}): Promise<string> {
    return this.#outcomes.change(() => this.#changing('id').rotate(options.keepOld ?? false))
  }

  /**
   * Stores the recorded changes, if there are any, and waits for what is under way. Call it when the
   * request is done; the adapters do. May be called again after further changes. Then throws what a
   * change was refused or failed for, if nobody waited for it.
   *
   * @throws {@link SessionError} `ERR_GONE` when the session was removed, regenerated or expired
   * since it was loaded: it stays so, and the changes are not stored
   */
  close(): Promise<void> {
    return this.needsClose ? this.#outcomes.save(() => this.store()) : Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Whether `close` has something to store, to wait for, or to tell of. @internal */
  get needsClose(): boolean {
    return (this.#session?.needsCommit ?? false) || this.#outcomes.mustTell
  }

  /** `close` for whoever waits for it in any case. @internal */
  store(): Awaitable<void> {
    const stored = this.#session?.needsCommit ? this.#session.commit() : undefined
    return this.#outcomes.mustTell ? this.#outcomes.tell(stored) : stored
  }

  /** The session as its storage knows it. @internal */
  get stored(): StoredSession {
    return this.#start().stored
  }

  /** What the library noted beside the data, as far as it was loaded. @internal */
  get note(): string | undefined {
    return this.#session?.note
  }

  /** Notes something beside the data, to be stored with the next changes. @internal */
  set note(text: string) {
    this.#start().set(RESERVED_KEY, text)
  }

  /** Reads a key. A promise only where the storage has not answered at once. */
  #read<T>(key: string, shown: (text: string | undefined) => T): Promise<T> {
    try {
      const text = this.#reading().textOf(checkKey(key))
      return isPromise(text) ? attempt(() => text.then(shown)) : Promise.resolve(shown(text))
    } catch (error) {
      return attempt(() => Promise.reject(error))
    }
  }

  #reading(): ChangedSession {
    this.#observer?.reading()
    return this.#start()
  }

  #changing(what: SessionChange): ChangedSession {
    this.#observer?.changing(what)
    return this.#start()
  }

  #start(): ChangedSession {
    if (this.#session === undefined) {
      const context = this.#context
      const observer = this.#observer
      const id = isSessionId(this.#givenId) ? this.#givenId : observer?.readId()
      const stored = new StoredSession(context, id, this.#chosen, this.#idFunc, observer)
      this.#session = new ChangedSession(stored)
    }
    return this.#session
  }

  #checkNotStarted(method: string): void {
    if (this.#session === undefined) return
    const message = `The session has already started: call ${method} before it is used`
    throw new SessionError('ERR_STARTED', message)
  }
}

tellOfMisuse(Session.prototype)
