import { type Duration, Manager, StorageFile, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin, codeOf, loaded } from '../helpers/core-sessions.ts'
import { countCalls } from '../helpers/http-storage.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const HOUR = 3_600_000

describe('the storage of a manager', () => {
  it('serves a session until its end, though another was set meanwhile', async () => {
    const [first, second] = [new StorageMemory(), new StorageMemory()]
    const manager = new Manager({ storage: first })
    const id = await begin(manager, { a: 1 })
    const session = await loaded(manager, id)
    manager.storage = second
    await session.set('b', 2)
    await session.close()
    expect([first.size, second.size]).toEqual([1, 0])
    manager.storage = first
    expect(await manager.new(id).data()).toEqual({ a: 1, b: 2 })
  })

  it('that is set serves the sessions that start afterwards', async () => {
    const [first, second] = [new StorageMemory(), new StorageMemory()]
    const manager = new Manager({ storage: first })
    const session = manager.new()
    manager.storage = second
    await session.set('a', 1)
    await session.close()
    expect([first.size, second.size]).toEqual([0, 1])
  })

  it('stays what it was when a new one is refused', () => {
    const storage = new StorageMemory()
    const manager = new Manager({ storage })
    const notOne: object = { getSession: 5 }
    expect(() => {
      manager.storage = notOne as StorageMemory
    }).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(manager.storage).toBe(storage)
  })
})

describe('a manager that is made wrong', () => {
  const storage = new StorageMemory()
  it.each([
    ['options', null],
    ['options', 5],
    ['storage', { storage: null }],
    ['onBackgroundError', { storage, onBackgroundError: 5 }],
    ['clock', { storage, clock: 5 }],
    ['timeout', { storage, timeout: -1 }],
    ['write `storage`', { store: storage }],
    ['write `ttl`', { storage, maxAge: 1 }],
  ])('is told of %s', (name, options) => {
    expect(() => new Manager(options as object)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(name) }),
    )
  })
})

describe('the ttl of a manager', () => {
  it('is a day if none is given', () => {
    expect(new Manager({ storage: new StorageMemory() }).ttl).toBe(24 * HOUR)
  })

  it('stays what it was when a new one is refused', () => {
    const manager = new Manager({ storage: new StorageMemory(), ttl: HOUR })
    expect(() => {
      manager.ttl = 0
    }).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(manager.ttl).toBe(HOUR)
  })

  it('takes effect at once, also for a session that has started', async () => {
    let now = 1_800_000_000_000
    const clock = (): number => now
    const manager = new Manager({ storage: new StorageMemory({ clock }), ttl: HOUR, clock })
    const id = await begin(manager, { a: 1 })
    const session = await loaded(manager, id)
    manager.ttl = 1000
    await session.set('a', 2)
    await session.close()
    now += 1000
    expect(await manager.new(id).contains('a')).toBe(true)
    now += 1001
    expect(await manager.new(id).contains('a')).toBe(false)
  })

  it('that ends while a session is in use leaves it gone', async () => {
    let now = 1_800_000_000_000
    const clock = (): number => now
    const manager = new Manager({ storage: new StorageMemory({ clock }), ttl: HOUR, clock })
    const id = await begin(manager, { a: 1 })
    const session = await loaded(manager, id)
    now += HOUR + 1
    await session.set('a', 2)
    expect(await codeOf(session.close())).toBe('ERR_GONE')
    expect(await manager.new(id).data()).toEqual({})
  })
})

describe('a closed manager', () => {
  it('has closed its storage, once the refreshes that waited are written', async () => {
    let now = Date.now()
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage, clock: () => now })
    const id = await begin(manager, { a: 1 })
    now += 60_000
    await manager.new(id).get('a')
    calls.length = 0
    await manager.close()
    expect(calls).toEqual(['refresh'])
    expect(await codeOf(manager.new(id).get('a'))).toBe('ERR_CLOSED')
  })
})

describe('a manager that is closed while a batch of refreshes is written', () => {
  /** A manager with sessions whose ttl is to slide, and what tells of one whether it has. */
  async function withUses(refreshInterval: Duration) {
    const folder = tempFolder()
    let now = Date.now()
    const clock = (): number => now
    const reported: unknown[] = []
    const storage = new StorageFile({ path: folder, clock })
    const manager = new Manager({
      storage,
      idAtRest: 'plain',
      clock,
      refreshInterval,
      onBackgroundError: error => reported.push(error),
    })
    const ids: string[] = []
    for (let n = 0; n < 1000; n++) ids.push(await begin(manager, { a: 1 }))
    now += 60_000
    const hasSlid = async (id = ''): Promise<boolean> => {
      const loaded = await new StorageFile({ path: folder, clock }).load(id, manager.ttl)
      return loaded?.expiresAt === now + manager.ttl
    }
    const use = async (from: number, to: number): Promise<void> => {
      for (const id of ids.slice(from, to)) await manager.new(id).get('a')
    }
    return { manager, storage, ids, reported, use, hasSlid }
  }

  it('has written it whole', async () => {
    const { manager, storage, ids, reported, use, hasSlid } = await withUses('10s')
    await use(0, 1000)
    // Whatever waits is written then.
    manager.storage = storage
    while (!(await hasSlid(ids[0]))) await new Promise(setImmediate)
    expect(await hasSlid(ids.at(-1))).toBe(false)
    await manager.close()

    expect(reported).toEqual([])
    expect(await hasSlid(ids.at(-1))).toBe(true)
  })

  it('has written another one too that began meanwhile', async () => {
    const { manager, ids, reported, use, hasSlid } = await withUses('20ms')
    await use(0, 500)
    while (!(await hasSlid(ids[0]))) await new Promise(setImmediate)
    await use(500, 1000)
    await manager.close()

    expect(reported).toEqual([])
    expect(await hasSlid(ids.at(-1))).toBe(true)
  })
})

describe('the id of a session', () => {
  it('is made once, without I/O, and is that of what is set later', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const session = manager.new()
    const ids = await Promise.all([session.id(), session.id()])
    expect(calls).toEqual([])
    await session.set('a', 1)
    await session.close()
    expect([...ids, await session.id()]).toEqual([ids[0], ids[0], ids[0]])
  })

  it('may be chosen before the session starts, and no later', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const session = manager.new('given')
    session.setId('first')
    session.setId('chosen')
    await session.set('a', 1)
    const refused = expect.objectContaining({ code: 'ERR_STARTED' })
    expect(() => session.setId('other')).toThrow(refused)
    expect(() => session.setIdFunc(() => 'x'.repeat(30))).toThrow(refused)
    await session.close()
    expect(await manager.new('chosen').get('a')).toBe(1)
  })

  it.each([true, false])(
    'that was chosen is not used again after a logout: stored before %s',
    async isStored => {
      const manager = new Manager({ storage: new StorageMemory() })
      const session = manager.new()
      session.setId('chosen')
      await session.set('user', 'Ada')
      if (isStored) await session.close()
      await session.removeAll()
      await session.set('user', 'Eve')
      await session.close()
      expect(await session.id()).toHaveLength(43)
      expect(await manager.new('chosen').data()).toEqual({})
    },
  )

  it('is none when the empty one is chosen', async () => {
    const session = new Manager({ storage: new StorageMemory() }).new('a'.repeat(43))
    session.setId('')
    expect(await session.id()).not.toBe('a'.repeat(43))
  })

  it.each(['a b', '../x', 'a'.repeat(129), 'é'])('may not be chosen to be %j', id => {
    const session = new Manager({ storage: new StorageMemory() }).new()
    expect(() => session.setId(id)).toThrow(expect.objectContaining({ code: 'ERR_ID' }))
  })

  it('is in no error', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const id = await begin(manager, { a: 1 })
    const session = await loaded(manager, id)
    await manager.new(id).removeAll()
    await session.set('a', 2)
    const error: unknown = await session.close().catch(reason => reason)
    expect(error).toMatchObject({ code: 'ERR_GONE' })
    expect(String(error)).not.toContain(id)
    expect(JSON.stringify(error)).not.toContain(id)
  })
})
