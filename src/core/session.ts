import { applyChanges, type EncodedData, type KeyUpdate, RESERVED_KEY } from './changes.ts'
import { SessionError } from './errors.ts'
import { chooseId, type SessionIdFunc } from './make-id.ts'
import { PendingChanges } from './pending-changes.ts'
import { readOnly } from './read-only.ts'
import type { SessionChange, SessionContext, SessionObserver } from './session-context.ts'
import { isSessionId } from './session-id.ts'
import type { KeyOf, ValueOr } from './session-types.ts'
import { StoredSession } from './stored-session.ts'
import { decodeMembers, decodeValue, encodeValue } from './value.ts'
import { Var } from './var.ts'

/**
 * One visitor's data, bound to one request (or connection, or call).
 *
 * A session is lazy: the first method that needs the storage loads a snapshot, and later ones read
 * from it. Changes are recorded at the call, in the order of the calls, awaited or not, and stored
 * by `close`; only they are sent, and merged into whatever is stored by then, so requests that
 * change different keys never undo each other. `update`, `removeAll` and `regenerateId` act at once.
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
  /** Undefined until the session starts: until then it costs nothing. */
  #stored: StoredSession | undefined
  #changes: PendingChanges = NO_CHANGES
  /** Views that `get` handed out, so that asking twice gives the same object. */
  #views: Map<string, unknown> | undefined
  /** Counts the calls of `removeAll`: changes from before one must not come back after it. */
  #removals = 0

  /**
   * Sessions are made by `manager.new`.
   *
   * @internal
   */
  constructor(
    context: SessionContext,
    givenId: string | undefined,
    observer: SessionObserver | undefined,
  ) {
    this.#context = context
    this.#givenId = givenId
    this.#observer = observer
  }

  /**
   * Whether `close` has changes to store. Those of `update`, `removeAll` and `regenerateId` are
   * stored already.
   */
  get isDirty(): boolean {
    return !this.#changes.isEmpty
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
  async get(key: string, fallback?: unknown): Promise<unknown> {
    const text = await this.#textOf(key)
    if (text === undefined || (text === 'null' && fallback !== undefined)) return fallback
    return this.#view(key, text)
  }

  /** The value of a key, to convert to what you need. An absent key gives an empty {@link Var}. */
  async var(key: KeyOf<Data>): Promise<Var> {
    const text = await this.#textOf(key)
    return new Var(text === undefined ? undefined : this.#view(key, text))
  }

  /** Whether the key exists and is not `null`. */
  async contains(key: KeyOf<Data>): Promise<boolean> {
    const text = await this.#textOf(key)
    return text !== undefined && text !== 'null'
  }

  /** All keys and values, read-only like those of {@link get}; `{}` when there is no session. */
  async data(): Promise<Readonly<Partial<Data>>> {
    return readOnly(decodeMembers(await this.#allTexts()) as Partial<Data>)
  }

  /** How many keys there are, those with `null` included. */
  async size(): Promise<number> {
    return (await this.#allTexts()).size
  }

  /**
   * Records a value, to be stored by `close`. Makes no I/O. The value is copied: changing it later
   * changes nothing here.
   *
   * @throws {@link SessionError} `ERR_VALUE` when it is not data that a session can keep
   */
  async set<Key extends KeyOf<Data>>(key: Key, value: Data[Key]): Promise<void> {
    this.#record(checkKey(key), encodeValue(value))
  }

  /** Records several values; when one is refused, none. Makes no I/O. See {@link set}. */
  async setMap(values: Readonly<Partial<Data>>): Promise<void> {
    const texts = Object.entries(values).map(
      ([key, value]) => [checkKey(key), encodeValue(value)] as const,
    )
    for (const [key, text] of texts) this.#record(key, text)
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
  async update<Key extends KeyOf<Data>, Value extends Data[Key] = Data[Key]>(
    key: Key,
    fn: (value: Value | undefined) => Value,
  ): Promise<Value> {
    checkKey(key)
    let stored = ''
    let mistake: { readonly error: unknown } | undefined
    const update = (text: string | undefined): string => {
      const value = text === undefined ? undefined : (decodeValue(text) as Value)
      try {
        stored = encodeValue(fn(value))
      } catch (error) {
        mistake = { error }
        throw error
      }
      return stored
    }
    this.#changing('data')
    try {
      await this.#storeChanges({ key, fn: update }, (session, changes) => session.commit(changes))
    } catch (error) {
      // What the application's function threw is its own, not the storage's.
      throw mistake === undefined ? error : mistake.error
    }
    this.#views?.delete(key)
    return readOnly(decodeValue(stored) as Value)
  }

  /** Records the removal of keys, to be stored by `close`. Makes no I/O; missing keys do not matter. */
  async remove(...keys: KeyOf<Data>[]): Promise<void> {
    for (const key of keys) checkKey(key)
    if (keys.length === 0) return
    this.#changing('data')
    const mayBeStored = this.#start().mayExist
    for (const key of keys) {
      if (mayBeStored) this.#pending().removeKey(key)
      else this.#pending().set.delete(key)
      this.#views?.delete(key)
    }
  }

  /**
   * Removes the session from the storage at once: log-out. What is in flight elsewhere cannot bring
   * it back. A later `set` begins a new session under a new id. Nothing happens when there is none.
   */
  async removeAll(): Promise<void> {
    this.#changing('removal')
    this.#changes = NO_CHANGES
    this.#views = undefined
    this.#removals++
    await this.#start().destroy()
  }

  /**
   * The session's id. Loads the session if it has an id that may be unknown. When there is none, one
   * is made and kept for the case that something is set; nothing is stored for it.
   */
  async id(): Promise<string> {
    this.#observer?.reading()
    return this.#start().id()
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
  async regenerateId(options: { readonly keepOld?: boolean } = {}): Promise<string> {
    this.#changing('id')
    const { keepOld = false } = options
    return this.#storeChanges(undefined, (session, changes) => session.rotate(changes, keepOld))
  }

  /**
   * Stores the recorded changes, if there are any, and waits for what is under way. Call it when the
   * request is done; the adapters do. May be called again after further changes.
   *
   * @throws {@link SessionError} `ERR_GONE` when the session was removed, regenerated or expired
   * since it was loaded: it stays so, and the changes are not stored
   */
  async close(): Promise<void> {
    if (this.#changes.isEmpty) return this.#stored?.idle()
    await this.#storeChanges(undefined, (session, changes) => session.commit(changes))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The session's rarer sides, for the adapters. @internal */
  get stored(): StoredSession {
    return this.#start()
  }

  /** What the library noted beside the data, as far as it was loaded. @internal */
  get note(): string | undefined {
    return this.#changes.textOf(RESERVED_KEY) ?? this.#stored?.peek(RESERVED_KEY)
  }

  /** Notes something beside the data, to be stored with the next changes. @internal */
  set note(text: string) {
    this.#pending().setKey(RESERVED_KEY, text)
  }

  async #textOf(key: string): Promise<string | undefined> {
    checkKey(key)
    this.#observer?.reading()
    const session = this.#start()
    const text = this.#changes.textOf(key)
    if (text !== undefined) return text ?? undefined
    return (await session.read(key)).get(key)
  }

  async #allTexts(): Promise<EncodedData> {
    this.#observer?.reading()
    const changes = this.#changes.withUpdate(undefined)
    const texts = applyChanges(await this.#start().read(undefined), changes)
    texts.delete(RESERVED_KEY)
    return texts
  }

  #view(key: string, text: string): unknown {
    let view = this.#views?.get(key)
    if (view !== undefined) return view
    view = readOnly(decodeValue(text))
    if (typeof view === 'object') {
      this.#views ??= new Map()
      this.#views.set(key, view)
    }
    return view
  }

  #record(key: string, text: string): void {
    this.#changing('data')
    this.#pending().setKey(key, text)
    this.#views?.delete(key)
  }

  #pending(): PendingChanges {
    if (this.#changes === NO_CHANGES) this.#changes = new PendingChanges()
    return this.#changes
  }

  /** Hands over the recorded changes; they come back if they could not be stored. */
  async #storeChanges<T>(
    update: KeyUpdate | undefined,
    store: (session: StoredSession, changes: PendingChanges) => Promise<T>,
  ): Promise<T> {
    const changes = update === undefined ? this.#changes : this.#changes.withUpdate(update)
    const removals = this.#removals
    this.#changes = NO_CHANGES
    try {
      return await store(this.#start(), changes)
    } catch (error) {
      if (removals === this.#removals) this.#pending().restore(changes)
      throw error
    }
  }

  #changing(what: SessionChange): void {
    this.#observer?.changing(what)
    this.#start()
  }

  #start(): StoredSession {
    if (this.#stored === undefined) {
      const givenId = isSessionId(this.#givenId) ? this.#givenId : undefined
      const id = givenId ?? this.#observer?.readId()
      this.#stored = new StoredSession(
        this.#context,
        id,
        this.#chosen,
        this.#idFunc,
        this.#observer,
      )
    }
    return this.#stored
  }

  #checkNotStarted(method: string): void {
    if (this.#stored === undefined) return
    throw new SessionError(
      'ERR_STARTED',
      `The session has already started: call ${method} before it is used`,
    )
  }
}

const NO_CHANGES = new PendingChanges()

function checkKey(key: unknown): string {
  if (typeof key === 'string' && key !== RESERVED_KEY) return key
  const expected = `a string other than "${RESERVED_KEY}", which the library keeps for itself`
  throw new SessionError('ERR_KEY', `Expected a session key to be ${expected}`)
}
