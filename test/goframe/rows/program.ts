import type { Manager, Session } from 'gsession'
import type { GoDriver, GoSession } from '../go-driver.ts'

/** What a program sees of sessions: the same of GoFrame's and of this library's. */
export interface Program {
  /** A session for one request, of an id or without one. */
  begin(id?: string): Promise<ProgramSession>
}

/** Absent is null on both sides. */
export interface ProgramSession {
  set(key: string, value: unknown): Promise<void>
  get(key: string): Promise<unknown>
  /** With the fallback `'default'`. */
  getOrDefault(key: string): Promise<unknown>
  contains(key: string): Promise<boolean>
  data(): Promise<Readonly<Record<string, unknown>>>
  size(): Promise<number>
  remove(...keys: string[]): Promise<void>
  removeAll(): Promise<void>
  regenerate(deleteOld: boolean): Promise<string>
  id(): Promise<string>
  setId(id: string): Promise<void>
  /** Lets all new ids be this one. */
  setIdFunc(id: string): Promise<void>
  isDirty(): Promise<boolean>
  close(): Promise<void>
}

/** What a request does on a session, closed afterwards. */
export async function request<T>(
  program: Program,
  id: string,
  work: (session: ProgramSession) => Promise<T>,
): Promise<T> {
  const session = await program.begin(id)
  const result = await work(session)
  await session.close()
  return result
}

/** Stores a session with this data, and answers its id. */
export function store(program: Program, data: Readonly<Record<string, unknown>>): Promise<string> {
  return request(program, '', async session => {
    for (const [key, value] of Object.entries(data)) await session.set(key, value)
    return session.id()
  })
}

export function dataOf(program: Program, id: string): Promise<Readonly<Record<string, unknown>>> {
  return request(program, id, session => session.data())
}

export class NodeProgram implements Program {
  readonly #manager: Manager

  constructor(manager: Manager) {
    this.#manager = manager
  }

  async begin(id?: string): Promise<ProgramSession> {
    return new NodeSession(this.#manager.new(id))
  }
}

class NodeSession implements ProgramSession {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  set = (key: string, value: unknown) => this.#session.set(key, value)
  contains = (key: string) => this.#session.contains(key)
  data = () => this.#session.data()
  size = () => this.#session.size()
  remove = (...keys: string[]) => this.#session.remove(...keys)
  removeAll = () => this.#session.removeAll()
  id = () => this.#session.id()
  close = () => this.#session.close()
  regenerate = (deleteOld: boolean) => this.#session.regenerateId({ keepOld: !deleteOld })

  async get(key: string): Promise<unknown> {
    return (await this.#session.get(key)) ?? null
  }

  getOrDefault(key: string): Promise<unknown> {
    return this.#session.get(key, 'default')
  }

  async setId(id: string): Promise<void> {
    this.#session.setId(id)
  }

  async setIdFunc(id: string): Promise<void> {
    this.#session.setIdFunc(() => id)
  }

  async isDirty(): Promise<boolean> {
    return this.#session.isDirty
  }
}

export class GoProgram implements Program {
  readonly #driver: GoDriver
  readonly #storage: string

  /** @param storage - the name under which the driver has opened it */
  constructor(driver: GoDriver, storage: string) {
    this.#driver = driver
    this.#storage = storage
  }

  async begin(id?: string): Promise<ProgramSession> {
    return new GoProgramSession(await this.#driver.begin(this.#storage, id))
  }
}

class GoProgramSession implements ProgramSession {
  readonly #session: GoSession

  constructor(session: GoSession) {
    this.#session = session
  }

  get = (key: string) => this.#session.order('get', { key })
  getOrDefault = (key: string) => this.#session.order('getWithDefault', { key })
  data = () => this.#session.data()
  id = () => this.#session.id()

  async set(key: string, value: unknown): Promise<void> {
    await this.#session.set(key, value)
  }

  async contains(key: string): Promise<boolean> {
    return (await this.#session.order('contains', { key })) === true
  }

  async size(): Promise<number> {
    return Number(await this.#session.order('size'))
  }

  async remove(...keys: string[]): Promise<void> {
    await this.#session.order('remove', { keys })
  }

  async removeAll(): Promise<void> {
    await this.#session.order('removeAll')
  }

  async regenerate(deleteOld: boolean): Promise<string> {
    return String(await this.#session.order('regenerate', { delete: deleteOld }))
  }

  async setId(id: string): Promise<void> {
    await this.#session.order('setId', { id })
  }

  async setIdFunc(id: string): Promise<void> {
    await this.#session.order('setIdFunc', { id })
  }

  async isDirty(): Promise<boolean> {
    return (await this.#session.order('isDirty')) === true
  }

  async close(): Promise<void> {
    await this.#session.order('close')
  }
}
