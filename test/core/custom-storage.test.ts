import { runInNewContext } from 'node:vm'
import {
  ErrorDisabled,
  Manager,
  type SessionData,
  type Storage,
  StorageBase,
  StorageMemory,
} from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin, codeOf, loaded } from '../helpers/core-sessions.ts'
import { KeyStorage, PortedStorage, WholeStorage } from '../storages/custom-storages.ts'

/** What a storage becomes when some of its methods are taken away. */
function without(storage: Storage, ...names: (keyof Storage)[]): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const base: unknown = Reflect.get(StorageBase.prototype, name)
      if ((names as (string | symbol)[]).includes(name)) return base
      const member: unknown = Reflect.get(target, name)
      return typeof member !== 'function' || member === base ? member : member.bind(target)
    },
  })
}

const WHOLE = (): Storage => new WholeStorage(Date.now)
const KEYS = (): Storage => new KeyStorage(Date.now)

type Answer = (promise: Promise<unknown>) => unknown

/** Something to wait for that is no promise, as the query builder knex returns. */
class Thenable {
  readonly #promise: Promise<unknown>

  constructor(promise: Promise<unknown>) {
    this.#promise = promise
  }

  // biome-ignore lint/suspicious/noThenProperty: having one is what it is for
  then(...handlers: Parameters<Promise<unknown>['then']>): Promise<unknown> {
    return this.#promise.then(...handlers)
  }
}

/** How libraries answer that return no promise of this realm. */
const HABITS: [string, Answer][] = [
  ['what only has a `then`', promise => new Thenable(promise)],
  [
    'a promise of another realm',
    promise => runInNewContext('Promise.resolve(it)', { it: promise }),
  ],
]

function answering(storage: Storage, answer: Answer): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      const isOffered = member !== Reflect.get(StorageBase.prototype, name)
      if (typeof member !== 'function' || !isOffered) return member
      return (...args: unknown[]) => answer(Reflect.apply(member, target, args))
    },
  })
}

const VARIATIONS: [string, () => Storage][] = [
  ['whole sessions', WHOLE],
  ['whole sessions, without updateTTL', () => without(WHOLE(), 'updateTTL')],
  ['whole sessions, without removeAll', () => without(WHOLE(), 'removeAll')],
  ['keys', KEYS],
  ['keys, without updateTTL', () => without(KEYS(), 'updateTTL')],
  ['keys, without removeAll', () => without(KEYS(), 'removeAll')],
  ['keys, without setMap', () => without(KEYS(), 'setMap')],
  ['keys, without set', () => without(KEYS(), 'set')],
  ['keys, without get and getSize', () => without(KEYS(), 'get', 'getSize')],
  ['keys, ported from Go', () => new PortedStorage(KEYS())],
  ['whole sessions, ported from Go', () => new PortedStorage(WHOLE())],
]

describe.each(VARIATIONS)('a custom storage of %s', (_name, open) => {
  it('keeps, changes and removes sessions', async () => {
    const manager = new Manager({ storage: open() })
    const id = await begin(manager, { a: 1, b: 2, c: 3 })
    const session = manager.new(id)
    expect(await session.get('a')).toBe(1)
    await session.remove('b')
    await session.set('c', { n: 4 })
    await session.close()
    expect(await manager.new(id).data()).toEqual({ a: 1, c: { n: 4 } })
    expect(await manager.new(id).size()).toBe(2)
    await manager.new(id).removeAll()
    expect(await manager.new(id).data()).toEqual({})
  })

  it('loses nothing of requests of this process side by side', async () => {
    const manager = new Manager({ storage: open() })
    const id = await begin(manager, { n: 0 })
    const requests = Array.from({ length: 10 }, async (_, request) => {
      const session = await loaded(manager, id)
      await session.set(`key${request}`, request)
      await Promise.all([session.close(), manager.new(id).update('n', n => Number(n) + 1)])
    })
    await Promise.all(requests)
    const data = await manager.new(id).data()
    expect(data['n']).toBe(10)
    expect(Object.keys(data)).toHaveLength(11)
  })

  it('keeps removed sessions removed', async () => {
    const manager = new Manager({ storage: open() })
    const id = await begin(manager, { a: 1 })
    const [writer, reader] = [await loaded(manager, id), await loaded(manager, id)]
    await writer.set('b', 2)
    const [written] = await Promise.all([codeOf(writer.close()), manager.new(id).removeAll()])
    await reader.close()
    expect([undefined, 'ERR_GONE']).toContain(written)
    expect(await manager.new(id).data()).toEqual({})
    await writer.set('c', 3)
    expect(await codeOf(writer.close())).toBe('ERR_GONE')
    expect(await manager.new(id).data()).toEqual({})
  })

  it('gives a session a new id, and drops the old one or keeps it apart', async () => {
    const manager = new Manager({ storage: open() })
    const first = await begin(manager, { a: 1 })
    const late = await loaded(manager, first)
    const session = manager.new(first)
    const second = await session.regenerateId()
    await late.set('late', true)
    expect(await codeOf(late.close())).toBe('ERR_GONE')
    expect(await manager.new(first).data()).toEqual({})
    const third = await session.regenerateId({ keepOld: true })
    await session.set('b', 2)
    await session.close()
    expect(await manager.new(second).data()).toEqual({ a: 1 })
    expect(await manager.new(third).data()).toEqual({ a: 1, b: 2 })
  })
})

describe.each([...VARIATIONS, ['the atomic verbs', (): Storage => new StorageMemory()] as const])(
  'a session without keys in a storage of %s',
  (_name, open) => {
    it('is used on by the request that removed the last one', async () => {
      const manager = new Manager({ storage: open() })
      const id = await begin(manager, { a: 1 })
      const session = manager.new(id)
      await session.remove('a')
      await session.close()
      expect(await manager.new(id).data()).toEqual({})
      await session.set('b', 2)
      await session.close()
      expect(await session.id()).toBe(id)
      expect(await manager.new(id).data()).toEqual({ b: 2 })
      expect(await manager.new(id).size()).toBe(1)
    })

    it('is used on by other requests, loaded before or after, and emptied again', async () => {
      const manager = new Manager({ storage: open() })
      const id = await begin(manager, { a: 1, b: 2 })
      const before = await loaded(manager, id)
      const session = manager.new(id)
      await session.remove('a', 'b')
      await session.close()
      await before.set('c', 3)
      await before.close()
      await before.remove('c')
      await before.close()
      const after = manager.new(id)
      expect(await after.size()).toBe(0)
      expect(await after.update('n', (n = 0) => Number(n) + 1)).toBe(1)
      expect(await after.id()).toBe(id)
      expect(await manager.new(id).data()).toEqual({ n: 1 })
    })

    it('is given a new id, and can be removed', async () => {
      const manager = new Manager({ storage: open() })
      const id = await begin(manager, { a: 1 })
      const session = manager.new(id)
      await session.remove('a')
      const newId = await session.regenerateId()
      const [late, other] = [await loaded(manager, newId), manager.new(newId)]
      expect(await other.id()).toBe(newId)
      await other.removeAll()
      await late.set('b', 2)
      expect(await codeOf(late.close())).toBe('ERR_GONE')
      expect(await manager.new(newId).data()).toEqual({})
    })

    it('keeps what the library noted, and shows nothing of it', async () => {
      const manager = new Manager({ storage: open() })
      const id = await begin(manager, { a: 1, b: 2 })
      const session = manager.new(id)
      await session.remove('a', 'b')
      await session.close()
      session.note = '{"cookie":1}'
      await session.set('a', 1)
      await session.close()
      await session.remove('a')
      await session.close()
      const again = await loaded(manager, id)
      expect(again.note).toBe('{"cookie":1}')
      expect(await again.data()).toEqual({})
      await again.set('a', 1)
      await again.close()
      const read = manager.new(id)
      expect(await read.get('a')).toBe(1)
      expect(read.note).toBe('{"cookie":1}')
    })
  },
)

describe('a custom storage', () => {
  it.each<[string, () => Storage]>([
    ['nothing', () => new StorageBase()],
    ['getSession alone', () => without(WHOLE(), 'setSession')],
    ['setSession alone', () => without(WHOLE(), 'getSession')],
    ['keys that nobody can list', () => without(KEYS(), 'data')],
    ['keys that nobody can set', () => without(KEYS(), 'set', 'setMap')],
    ['keys that nobody can remove', () => without(KEYS(), 'remove')],
  ])('that offers %s is refused', (_name, open) => {
    expect(() => new Manager({ storage: open() })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION' }),
    )
  })

  it('may wrap ErrorDisabled, or throw it at once', async () => {
    class Wrapping extends WholeStorage {
      override async updateTTL(): Promise<void> {
        throw new Error('not this one', { cause: ErrorDisabled })
      }

      override removeAll(): Promise<void> {
        throw ErrorDisabled
      }
    }
    const manager = new Manager({ storage: new Wrapping(Date.now) })
    const id = await begin(manager, { a: 1 })
    await manager.new(id).get('a')
    await manager.new(id).removeAll()
    expect(await manager.new(id).data()).toEqual({})
    await manager.close()
  })

  it('is asked once only for what turns out to be disabled', async () => {
    let asked = 0
    class Counting extends PortedStorage {
      override async setMap(): Promise<void> {
        asked++
        throw ErrorDisabled
      }
    }
    const manager = new Manager({ storage: new Counting(without(KEYS(), 'setMap')) })
    const id = await begin(manager, { a: 1, b: 2 })
    const session = manager.new(id)
    await session.setMap({ a: 2, c: 3 })
    await session.close()
    expect(await manager.new(id).data()).toEqual({ a: 2, b: 2, c: 3 })
    expect(asked).toBeLessThanOrEqual(1)
  })

  it.each(['remove', 'data', 'set'] as const)(
    'of keys that says only when asked that %s is disabled is an error, and loses nothing',
    async name => {
      const storage = new PortedStorage(KEYS())
      const id = await begin(new Manager({ storage }), { a: 1, b: 2 })
      Object.assign(storage, { [name]: () => Promise.reject(ErrorDisabled) })
      const manager = new Manager({ storage })
      const session = manager.new(id)
      await session.remove('a')
      await session.set('c', 3)
      await expect(session.close()).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining(`\`${name}\``),
        cause: ErrorDisabled,
      })
      expect(session.isDirty).toBe(true)
    },
  )

  it('that is given one new id twice at once keeps both sessions', async () => {
    for (const open of [WHOLE, KEYS]) {
      const manager = new Manager({ storage: open() })
      const wanted = 'w'.repeat(30)
      const moving = manager.new(await begin(manager, { a: 1 }))
      moving.setIdFunc(() => wanted)
      const chosen = manager.new()
      chosen.setId(wanted)
      await chosen.set('b', 2)
      const [moved] = await Promise.all([codeOf(moving.regenerateId()), chosen.close()])
      const expected = moved === undefined ? { a: 1, b: 2 } : { b: 2 }
      expect(await manager.new(wanted).data()).toEqual(expected)
    }
  })

  it.each(HABITS)('may answer with %s', async (_name, answer) => {
    for (const open of [WHOLE, KEYS]) {
      const manager = new Manager({ storage: answering(open(), answer) })
      const id = await begin(manager, { a: 1, b: 2 })
      const session = manager.new(id)
      expect(await session.get('a')).toBe(1)
      await session.remove('a')
      await session.close()
      const newId = await session.regenerateId()
      expect(await manager.new(newId).data()).toEqual({ b: 2 })
      expect(await manager.new(id).data()).toEqual({})
      await manager.new(newId).removeAll()
      expect(await manager.new(newId).data()).toEqual({})
      await manager.close()
    }
  })

  it('that throws at once is an error with its cause, like one that rejects', async () => {
    const failure = new Error('connection lost')
    const fail = (): never => {
      throw failure
    }
    const names = ['getSession', 'get', 'data'] as const
    for (const open of [WHOLE, KEYS]) {
      const storage = open()
      const id = await begin(new Manager({ storage }), { a: 1 })
      for (const name of names) {
        if (storage[name] !== StorageBase.prototype[name]) storage[name] = fail
      }
      const session = new Manager({ storage }).new(id)
      const expected = { code: 'ERR_STORAGE', cause: failure }
      await expect(session.get('a')).rejects.toMatchObject(expected)
      await expect(session.data()).rejects.toMatchObject(expected)
      await expect(session.update('a', () => 1)).rejects.toMatchObject(expected)
      await expect(session.regenerateId()).rejects.toMatchObject(expected)
    }
  })

  it('that fails is an error with its cause, never an absent session', async () => {
    const failure = new Error('connection lost')
    class Failing extends WholeStorage {
      override async getSession(): Promise<SessionData | undefined> {
        throw failure
      }
    }
    const session = new Manager({ storage: new Failing(Date.now) }).new('a'.repeat(43))
    const expected = { code: 'ERR_STORAGE', cause: failure }
    await expect(session.get('a')).rejects.toMatchObject(expected)
    await expect(session.update('a', () => 1)).rejects.toMatchObject(expected)
  })

  it('shares no objects with sessions', async () => {
    class Live extends StorageBase {
      readonly sessions = new Map<string, SessionData>()

      override async getSession(id: string): Promise<SessionData | undefined> {
        return this.sessions.get(id)
      }

      override async setSession(id: string, data: SessionData): Promise<void> {
        this.sessions.set(id, data)
      }
    }
    const storage = new Live()
    const manager = new Manager({ storage })
    const id = await begin(manager, { o: { n: 1 } })
    const session = await loaded(manager, id)
    for (const data of storage.sessions.values()) Object.assign(data, { o: 'changed' })
    expect(await session.get('o')).toEqual({ n: 1 })
  })

  it('is handed hashed ids, and plain ones if told so', async () => {
    const ids: string[] = []
    class Noting extends WholeStorage {
      override getSession(id: string): Promise<SessionData | undefined> {
        ids.push(id)
        return super.getSession(id)
      }
    }
    for (const idAtRest of ['hashed', 'plain'] as const) {
      await new Manager({ storage: new Noting(Date.now), idAtRest }).new('abc').get('a')
    }
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), 'abc'])
  })
})

describe('a refresh that cannot wait, and fails', () => {
  class Unrefreshable extends StorageMemory {
    isDown = true
    refreshed = 0

    override async refresh(accessedAt: ReadonlyMap<string, number>, ttl: number): Promise<void> {
      if (this.isDown) throw new Error('not now')
      this.refreshed += accessedAt.size
      await super.refresh(accessedAt, ttl)
    }
  }

  const TTL = 60_000
  let now = Date.now()
  const clock = (): number => now

  function openUnrefreshable(): { storage: Unrefreshable; manager: Manager; failures: Error[] } {
    const storage = new Unrefreshable({ clock })
    const failures: Error[] = []
    const onBackgroundError = (error: Error): void => void failures.push(error)
    const manager = new Manager({ storage, ttl: TTL, clock, onBackgroundError })
    return { storage, manager, failures }
  }

  it('is reported, fails no read, and is tried again at the next flush', async () => {
    const { storage, manager, failures } = openUnrefreshable()
    const id = await begin(manager, { a: 1 })
    now += TTL - 1000
    const session = manager.new(id)
    expect(await session.get('a')).toBe(1)
    expect(failures).toMatchObject([{ code: 'ERR_STORAGE', cause: { message: 'not now' } }])
    storage.isDown = false
    await manager.close()
    expect(storage.refreshed).toBe(1)
  })

  it('counts from the use when it is tried again', async () => {
    const { storage, manager } = openUnrefreshable()
    const id = await begin(manager, { a: 1 })
    now += TTL - 1000
    await manager.new(id).get('a')
    now += 500
    storage.isDown = false
    manager.storage = new StorageMemory({ clock })
    const later = new Manager({ storage, ttl: TTL, clock })
    now += TTL - 500
    expect(await later.new(id).get('a')).toBe(1)
    await Promise.all([later.close(), manager.close()])
  })

  it('is not hidden by a read when the storage is down altogether', async () => {
    const { storage, manager, failures } = openUnrefreshable()
    const id = await begin(manager, { a: 1 })
    now += TTL - 1000
    storage.load = () => {
      throw new Error('down')
    }
    expect(await codeOf(manager.new(id).get('a'))).toBe('ERR_STORAGE')
    expect(failures).toEqual([])
  })
})

describe('ids made by a storage', () => {
  class Naming extends StorageMemory {
    readonly #id: string

    constructor(id: string) {
      super()
      this.#id = id
    }

    override async new(ttl: number): Promise<string> {
      return this.#id.replace('TTL', String(ttl))
    }
  }

  it('name its new sessions; it is told the ttl', async () => {
    const manager = new Manager({ storage: new Naming('node-7-for-TTL-ms-abcdefgh'), ttl: '1m' })
    expect(await begin(manager, { a: 1 })).toBe('node-7-for-60000-ms-abcdefgh')
  })

  it('yield to those of setIdFunc', async () => {
    const session = new Manager({ storage: new Naming('n'.repeat(30)) }).new()
    session.setIdFunc(() => 'f'.repeat(30))
    expect(await session.id()).toBe('f'.repeat(30))
  })

  it.each([
    '',
    'short',
    'n'.repeat(21),
    'n'.repeat(129),
    `../${'n'.repeat(30)}`,
    `${'n'.repeat(30)}\n`,
  ])('are refused when they have not the shape of one: %j', async id => {
    const manager = new Manager({ storage: new Naming(id) })
    const session = manager.new()
    await session.set('a', 1)
    expect(await codeOf(session.close())).toBe('ERR_ID')
    expect(await codeOf(session.id())).toBe('ERR_ID')
    expect(await codeOf(session.regenerateId())).toBe('ERR_ID')
  })

  it('are the library’s own when it fails to say more than ErrorDisabled', async () => {
    class Disabled extends StorageMemory {
      override async new(): Promise<string> {
        throw new Error('see cause', { cause: ErrorDisabled })
      }
    }
    expect(await begin(new Manager({ storage: new Disabled() }), { a: 1 })).toHaveLength(43)
  })

  it('are asked for anew while they are taken, and in the end refused', async () => {
    const manager = new Manager({ storage: new Naming('n'.repeat(30)) })
    await begin(manager, { a: 1 })
    expect(await codeOf(begin(manager, { a: 2 }))).toBe('ERR_CONFLICT')
    expect(await manager.new('n'.repeat(30)).get('a')).toBe(1)
  })
})

describe('ids made by a function', () => {
  it.each([() => 'f'.repeat(22), async () => 'f'.repeat(22)])(
    'name new sessions and regenerated ones',
    async idFunc => {
      const manager = new Manager({ storage: new StorageMemory() })
      const session = manager.new()
      session.setIdFunc(idFunc)
      await session.set('a', 1)
      await session.close()
      expect(await session.id()).toBe('f'.repeat(22))
      const again = manager.new(await begin(manager, { a: 2 }))
      again.setIdFunc(() => 'g'.repeat(22))
      expect(await again.regenerateId()).toBe('g'.repeat(22))
    },
  )

  it.each(['', 'f'.repeat(21), 'f'.repeat(129), `${'f'.repeat(22)}/`])(
    'are refused when they have not the shape of one: %j',
    async id => {
      const session = new Manager({ storage: new StorageMemory() }).new()
      session.setIdFunc(() => id)
      await session.set('a', 1)
      expect(await codeOf(session.close())).toBe('ERR_ID')
      expect(session.isDirty).toBe(true)
    },
  )
})
