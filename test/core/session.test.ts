import { Manager, type ManagerOptions, StorageMemory } from 'gsession'
import { describe, expect, it, vi } from 'vitest'

vi.mock('node:timers', async () => {
  const { nodeTimers } = await import('../helpers/global-timers.ts')
  return { default: nodeTimers }
})

type Data = Record<string, unknown>

/** A manager over a memory storage that counts its calls and fails when it is told to. */
function watched(options: ManagerOptions = {}) {
  const calls: string[] = []
  const state = { failure: undefined as Error | undefined }
  const storage = new Proxy(new StorageMemory(options.clock ? { clock: options.clock } : {}), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        calls.push(String(name))
        if (state.failure) throw state.failure
        return member.apply(target, args)
      }
    },
  })
  return { manager: new Manager<Data>({ ...options, storage }), calls, state }
}

async function begin(manager: Manager<Data>, data: Data): Promise<string> {
  const session = manager.new()
  await session.setMap(data)
  await session.close()
  return session.id()
}

describe('a session is lazy:', () => {
  it('making it, choosing its id and closing it unused makes no I/O', async () => {
    const { manager, calls } = watched()
    const session = manager.new('a'.repeat(43))
    session.setId('b'.repeat(43))
    await session.close()
    expect(calls).toEqual([])
  })

  it('set, setMap and remove make no I/O until close', async () => {
    const { manager, calls } = watched()
    const session = manager.new(await begin(manager, { a: 1 }))
    calls.length = 0
    await session.set('b', 1)
    await session.setMap({ c: 1 })
    await session.remove('a')
    expect(calls).toEqual([])
    await session.close()
    expect(calls).toEqual(['merge'])
  })

  it('two first calls share one load', async () => {
    const { manager, calls } = watched()
    const session = manager.new(await begin(manager, { a: 1, b: 2 }))
    calls.length = 0
    expect(await Promise.all([session.get('a'), session.get('b'), session.data()])).toEqual([
      1,
      2,
      { a: 1, b: 2 },
    ])
    expect(calls).toEqual(['load'])
  })

  it('closing twice stores once', async () => {
    const { manager, calls } = watched()
    const session = manager.new()
    await session.set('a', 1)
    expect(session.isDirty).toBe(true)
    await session.close()
    expect(session.isDirty).toBe(false)
    await session.close()
    expect(calls.filter(call => call === 'create')).toHaveLength(1)
  })
})

it('a property that is assigned is refused, lest its value is lost', () => {
  const session = new Manager({ storage: new StorageMemory() }).new()
  const assign = (): unknown => Object.assign(session, { user: 'ann' })
  expect(assign).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
})

describe('a storage that fails', () => {
  it('rejects a load with ERR_STORAGE and its cause, and is asked again by the next call', async () => {
    const { manager, state } = watched()
    const session = manager.new(await begin(manager, { a: 1 }))
    state.failure = new Error('disk on fire')
    await expect(session.get('a')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      cause: state.failure,
    })
    state.failure = undefined
    expect(await session.get('a')).toBe(1)
  })

  it('leaves the changes in the session, so that close can be called again', async () => {
    const { manager, state } = watched()
    const id = await begin(manager, { a: 1 })
    const session = manager.new(id)
    await session.set('a', 2)
    state.failure = new Error('full')
    await expect(session.close()).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    expect(session.isDirty).toBe(true)
    state.failure = undefined
    await session.close()
    expect(await manager.new(id).get('a')).toBe(2)
  })

  it('does not turn an error of the function given to update into its own', async () => {
    const { manager } = watched()
    const mistake = new TypeError('x is not a function')
    const update = manager.new().update('a', () => {
      throw mistake
    })
    await expect(update).rejects.toBe(mistake)
  })
})

describe('changes apply in the order of the calls, awaited or not:', () => {
  it('set, remove and set', async () => {
    const { manager } = watched()
    const session = manager.new(await begin(manager, { a: 0, b: 0 }))
    void session.set('a', 1)
    void session.remove('a', 'b')
    void session.set('a', 2)
    expect(await session.data()).toEqual({ a: 2 })
  })

  it('set, update and set', async () => {
    const { manager } = watched()
    const session = manager.new()
    void session.set('n', 5)
    const updated = session.update('n', n => Number(n) + 1)
    void session.set('m', 1)
    expect(await updated).toBe(6)
    await session.close()
    expect(await manager.new(await session.id()).data()).toEqual({ n: 6, m: 1 })
  })

  it('set, removeAll and set begin a new session under a new id', async () => {
    const { manager } = watched()
    const id = await begin(manager, { a: 1 })
    const session = manager.new(id)
    void session.set('b', 1)
    void session.removeAll()
    void session.set('c', 1)
    await session.close()
    expect(await session.id()).not.toBe(id)
    expect(await manager.new(id).data()).toEqual({})
    expect(await manager.new(await session.id()).data()).toEqual({ c: 1 })
  })
})

describe('values', () => {
  it('are copied when they are set', async () => {
    const { manager } = watched()
    const session = manager.new()
    const cart = ['a']
    await session.set('cart', cart)
    cart.push('b')
    expect(await session.get('cart')).toEqual(['a'])
  })

  it('come out read-only at any depth, and the error names update', async () => {
    const { manager } = watched()
    const session = manager.new(await begin(manager, { user: { tags: ['a'] } }))
    const user = (await session.get('user')) as { tags: string[]; name?: string }
    for (const change of [
      () => user.tags.push('b'),
      () => Object.assign(user, { name: 'x' }),
      () => delete user.name,
      () => Object.defineProperty(user.tags, '0', { value: 'b' }),
      () => Object.setPrototypeOf(user, null),
    ]) {
      expect(change).toThrow(/update/)
    }
    expect(user).toEqual({ tags: ['a'] })
    expect(JSON.stringify(user)).toBe('{"tags":["a"]}')
    expect(await session.get('user')).toBe(user)
  })

  it('are set all together or not at all', async () => {
    const { manager } = watched()
    const session = manager.new()
    await expect(session.setMap({ a: 1, b: Number.NaN })).rejects.toMatchObject({
      code: 'ERR_VALUE',
    })
    expect(await session.data()).toEqual({})
    expect(session.isDirty).toBe(false)
  })

  it('may stand under any key but the one that the library keeps for itself', async () => {
    const { manager } = watched()
    const data = JSON.parse('{"__proto__":{"x":1},"constructor":2,"":3}')
    const session = manager.new(await begin(manager, data))
    expect(await session.data()).toEqual(data)
    expect(await session.get('__proto__')).toEqual({ x: 1 })
    expect(({} as Data)['x']).toBeUndefined()
    await expect(session.set('__gsession', 1)).rejects.toMatchObject({ code: 'ERR_KEY' })
  })
})

describe('ids', () => {
  it('are made by setIdFunc, which is told the ttl', async () => {
    const { manager } = watched({ ttl: '1m' })
    const session = manager.new()
    session.setIdFunc(async ttl => `made-for-${ttl}-milliseconds`)
    await session.set('a', 1)
    await session.close()
    expect(await session.id()).toBe('made-for-60000-milliseconds')
  })

  it('that a function fails to make are an ERR_ID with its error as the cause', async () => {
    const { manager } = watched()
    const session = manager.new()
    const mistake = new Error('no entropy')
    session.setIdFunc(() => Promise.reject(mistake))
    await expect(session.id()).rejects.toMatchObject({ code: 'ERR_ID', cause: mistake })
  })

  it('that a function makes too short are refused', async () => {
    const { manager } = watched()
    const session = manager.new()
    session.setIdFunc(() => '1')
    await session.set('a', 1)
    await expect(session.close()).rejects.toMatchObject({ code: 'ERR_ID' })
  })

  it('are never overwritten: a taken one is made anew, and in the end refused', async () => {
    const { manager } = watched()
    const taken = await begin(manager, { a: 1 })
    const session = manager.new()
    session.setIdFunc(() => taken)
    await session.set('a', 2)
    await expect(session.close()).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
    expect(await manager.new(taken).get('a')).toBe(1)
  })

  it('are never taken over: a session that is given a taken one anew keeps its own', async () => {
    const { manager } = watched()
    const taken = await begin(manager, { a: 1 })
    const id = await begin(manager, { a: 2 })
    const session = manager.new(id)
    session.setIdFunc(() => taken)
    await expect(session.regenerateId()).rejects.toMatchObject({ code: 'ERR_CONFLICT' })
    expect([await session.id(), await session.get('a')]).toEqual([id, 2])
    expect(await manager.new(taken).get('a')).toBe(1)
  })
})

describe('the ttl', () => {
  it('slides in batches: one refresh for many uses, none after a write', async () => {
    vi.useFakeTimers()
    try {
      const { manager, calls } = watched()
      const id = await begin(manager, { a: 1 })
      calls.length = 0
      vi.setSystemTime(Date.now() + 1000)
      for (let use = 0; use < 5; use++) await manager.new(id).get('a')
      expect(calls).not.toContain('refresh')
      await vi.advanceTimersByTimeAsync(10_000)
      expect(calls.filter(call => call === 'refresh')).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is written at once for a session that would expire before the next batch', async () => {
    let now = 1e12
    const { manager, calls } = watched({ ttl: '1m', clock: () => now })
    const id = await begin(manager, { a: 1 })
    now += 55_000
    calls.length = 0
    await manager.new(id).get('a')
    expect(calls).toEqual(['load', 'refresh'])
  })

  it('is written to the storage in which the session was used, when another takes its place', async () => {
    let now = 1e12
    const { manager, calls } = watched({ clock: () => now })
    const id = await begin(manager, { a: 1 })
    now += 1000
    await manager.new(id).get('a')
    calls.length = 0
    manager.storage = new StorageMemory()
    expect(calls).toEqual(['refresh'])
  })

  it('tries a failed batch again, tells of it, and is flushed by close', async () => {
    vi.useFakeTimers()
    try {
      const reported: unknown[] = []
      const { manager, calls, state } = watched({
        onBackgroundError: error => reported.push(error),
      })
      const id = await begin(manager, { a: 1 })
      vi.setSystemTime(Date.now() + 60_000)
      await manager.new(id).get('a')
      state.failure = new Error('down')
      await vi.advanceTimersByTimeAsync(10_000)
      expect(reported).toMatchObject([{ code: 'ERR_STORAGE', cause: state.failure }])
      state.failure = undefined
      calls.length = 0
      await manager.close()
      expect(calls).toEqual(['refresh', 'close'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a manager', () => {
  it('lets its ttl and storage be read and changed', () => {
    const manager = new Manager({ ttl: '15m', storage: new StorageMemory() })
    expect(manager.ttl).toBe(900_000)
    manager.ttl = '1h'
    expect(manager.ttl).toBe(3_600_000)
    const other = new StorageMemory()
    manager.storage = other
    expect(manager.storage).toBe(other)
  })

  it.each([
    { ttl: 0 },
    { ttl: -1 },
    { ttl: 1.5 },
    { ttl: Number.NaN },
    { ttl: Number.POSITIVE_INFINITY },
    { ttl: '1 day' },
    { idAtRest: 'md5' },
    { storage: {} },
    { refreshInterval: '0s' },
    { tll: '1h' },
  ])('refuses the options %o, saying what was expected', options => {
    const make = (): unknown =>
      new Manager({ storage: new StorageMemory(), ...(options as object) })
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(make).toThrow(/^Expected `\w+` to be |^Unknown option `tll`: expected one of ttl, /)
  })

  it('hands storages the hash of the id, or the id if it is told to', async () => {
    const ids: unknown[] = []
    class Spy extends StorageMemory {
      override load(id: string) {
        ids.push(id)
        return super.load(id)
      }
    }
    await new Manager({ storage: new Spy() }).new('abc').get('a')
    await new Manager({ storage: new Spy(), idAtRest: 'plain' }).new('abc').get('a')
    expect(ids).toEqual(['ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'abc'])
  })

  it('closes with await using, as a session does', async () => {
    const { manager, calls } = watched()
    const session = manager.new()
    await session.set('a', 1)
    await session[Symbol.asyncDispose]()
    await manager[Symbol.asyncDispose]()
    expect(calls).toContain('create')
    expect(calls.at(-1)).toBe('close')
  })
})
