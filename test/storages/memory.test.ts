import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EncodedData } from '../../src/core/changes.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { storageContract } from '../../src/testing/index.ts'

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR
const DATA: EncodedData = new Map([['a', '1']])
const NO_CHANGES = { set: new Map(), removed: new Set<string>() }

for (const [name, options] of Object.entries({
  StorageMemory: {},
  'StorageMemory with a limit': { maxSessions: 1_000_000 },
})) {
  storageContract(
    { describe, it },
    { name, open: clock => new StorageMemory({ ...options, clock }) },
  )
}

describe('StorageMemory', () => {
  it('tells how many sessions it keeps', () => {
    const storage = new StorageMemory()
    storage.create('a', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    expect(storage.size).toBe(2)
    storage.destroy('a')
    storage.rotate('b', 'c', NO_CHANGES, HOUR, false)
    expect(storage.size).toBe(1)
    storage.rotate('c', 'd', NO_CHANGES, HOUR, true)
    expect(storage.size).toBe(2)
  })

  it('shows nobody a change that was not stored', async () => {
    const storage = new StorageMemory()
    const data = { user: { roles: ['reader'] } }
    await storage.setSession('a', data, HOUR)
    data.user.roles.push('admin')
    const [first, second] = [await storage.getSession('a', HOUR), storage.load('a')]
    Object.assign(first ?? {}, { user: 'changed' })
    expect(second?.data.get('user')).toBe('{"roles":["reader"]}')
    expect(storage.load('a')?.data).not.toBe(second?.data)
    expect(await storage.getSession('a', HOUR)).toEqual({ user: { roles: ['reader'] } })
  })

  it('answers at once', () => {
    const storage = new StorageMemory()
    expect(storage.create('a', DATA, HOUR)).toBe(true)
    expect(storage.load('a')?.data).toEqual(DATA)
    expect(storage.merge('a', { set: new Map([['b', '2']]), removed: new Set(['a']) }, HOUR)).toBe(
      true,
    )
    expect(storage.load('a')?.data).toEqual(new Map([['b', '2']]))
  })

  it('refuses options that it does not take', () => {
    const refused = { code: 'ERR_OPTION' }
    for (const maxSessions of [0, -1, Number.NaN]) {
      expect(() => new StorageMemory({ maxSessions })).toThrow(expect.objectContaining(refused))
    }
    const misspelt: object = { maxSession: 10 }
    expect(() => new StorageMemory(misspelt)).toThrow(expect.objectContaining(refused))
  })
})

describe('StorageMemory with a limit', () => {
  const keeps = (storage: StorageMemory, ids: string[]): string[] =>
    ids.filter(id => storage.load(id) !== undefined)

  it('evicts the session that was not used for the longest time', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    storage.create('a', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    storage.create('c', DATA, HOUR)
    expect(storage.size).toBe(2)
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['b', 'c'])
  })

  it('takes reading and changing for use', () => {
    const storage = new StorageMemory({ maxSessions: 3 })
    for (const id of ['a', 'b', 'c']) storage.create(id, DATA, HOUR)
    storage.load('a')
    storage.merge('b', NO_CHANGES, HOUR)
    storage.create('d', DATA, HOUR)
    expect(keeps(storage, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'd'])
  })

  it('takes neither a refresh nor a failed attempt for use', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    for (const id of ['a', 'b']) storage.create(id, DATA, HOUR)
    storage.refresh(new Map([['a', Date.now()]]), HOUR)
    storage.create('a', DATA, HOUR)
    storage.create('c', DATA, HOUR)
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['b', 'c'])
  })

  it('moves a session to a new id without evicting another', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    for (const id of ['a', 'b']) storage.create(id, DATA, HOUR)
    expect(storage.rotate('b', 'c', NO_CHANGES, HOUR, false)).toBe('rotated')
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['a', 'c'])
  })

  it('keeps its limit when a session is left under the old id too', () => {
    const storage = new StorageMemory({ maxSessions: 1 })
    storage.create('a', DATA, HOUR)
    expect(storage.rotate('a', 'b', NO_CHANGES, HOUR, true)).toBe('rotated')
    expect(keeps(storage, ['a', 'b'])).toEqual(['b'])
  })

  it('evicts in the exact order of use', () => {
    const id = fc.integer({ min: 0, max: 40 }).map(n => `id${n}`)
    const step = fc.tuple(fc.constantFrom('create', 'load', 'merge', 'destroy'), id)
    const program = fc.array(step, { maxLength: 300, size: 'max' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), program, (maxSessions, steps) => {
        const storage = new StorageMemory({ maxSessions })
        let model: string[] = []
        for (const [verb, id] of steps) {
          const isKept = model.includes(id)
          if (verb === 'create') expect(storage.create(id, DATA, HOUR)).toBe(!isKept)
          else if (verb === 'load') expect(storage.load(id) !== undefined).toBe(isKept)
          else if (verb === 'merge') expect(storage.merge(id, NO_CHANGES, HOUR)).toBe(isKept)
          else storage.destroy(id)
          const isUsed = verb === 'create' ? !isKept : verb !== 'destroy' && isKept
          if (verb === 'destroy' || isUsed) model = model.filter(other => other !== id)
          if (isUsed) model.push(id)
          model = model.slice(-maxSessions)
          expect(storage.size).toBe(model.length)
        }
        for (const id of model) expect(storage.load(id)).toBeDefined()
      }),
      { numRuns: 200 },
    )
  })
})

describe('StorageMemory, as time passes', () => {
  let now = 0
  const clock = (): number => now

  beforeEach(() => {
    now = 1_800_000_000_123
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** Lets time pass for the clock and for timers alike, second by second. */
  function pass(milliseconds: number): void {
    for (let left = milliseconds; left > 0; left -= 1000) {
      now += Math.min(left, 1000)
      vi.advanceTimersByTime(Math.min(left, 1000))
    }
  }

  it('frees expired sessions within seconds, though nobody reads them', () => {
    const storage = new StorageMemory({ clock })
    for (let n = 0; n < 5000; n++) storage.create(`id${n}`, DATA, 1000 + n)
    storage.create('lasting', DATA, HOUR)
    pass(3000)
    expect(storage.size).toBeLessThan(5001)
    pass(6000)
    expect(storage.size).toBe(1)
    pass(HOUR)
    expect(storage.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes on freeing in the second after', () => {
    const storage = new StorageMemory({ clock })
    for (let n = 0; n < 3000; n++) storage.create(`id${n}`, DATA, 1000)
    storage.create('last', DATA, 3000)
    storage.create('lasting', DATA, HOUR)
    now += 3000
    vi.advanceTimersByTime(1000)
    expect(storage.size).toBeGreaterThan(2)
    now += 3000
    vi.advanceTimersByTime(1)
    pass(10_000)
    expect(storage.size).toBe(1)
  })

  it('keeps expired sessions no longer than those of a ttl that slid', () => {
    const storage = new StorageMemory({ clock })
    for (let n = 0; n < 100; n++) storage.create(`id${n}`, DATA, 10_000)
    for (let round = 0; round < 10; round++) {
      pass(5000)
      storage.refresh(new Map([['id0', now]]), 10_000)
      storage.merge('id1', NO_CHANGES, 10_000)
    }
    expect(storage.size).toBe(2)
    pass(13_000)
    expect(storage.size).toBe(0)
  })

  it('looks at the expired sessions, not at all of them', () => {
    vi.useRealTimers()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const storage = new StorageMemory({ clock })
    for (let n = 0; n < 200_000; n++) storage.create(`live${n}`, DATA, HOUR)
    const durations: number[] = []
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 10; n++) storage.create(`dead${n}`, DATA, 1000)
      const startedAt = performance.now()
      pass(10_000)
      durations.push(performance.now() - startedAt)
      expect(storage.size).toBe(200_000)
    }
    // A look at all of them takes ten sweeps more than this, however fast the machine.
    const startedAt = performance.now()
    for (let n = 0; n < 200_000; n++) storage.load(`live${n}`)
    const lookAtAll = performance.now() - startedAt
    expect(Math.min(...durations)).toBeLessThan(lookAtAll)
  })

  it('takes no harm from a clock that is set forward by a year', () => {
    const storage = new StorageMemory({ clock })
    storage.create('old', DATA, HOUR)
    now += YEAR
    expect(storage.load('old')).toBeUndefined()
    expect(storage.create('new', DATA, HOUR)).toBe(true)
    pass(HOUR)
    expect(storage.load('new')).toBeDefined()
    pass(3000)
    expect(storage.size).toBe(0)
  })

  it('takes no harm from a clock that is set back by a year', () => {
    const storage = new StorageMemory({ clock })
    storage.create('old', DATA, HOUR)
    pass(5000)
    now -= YEAR
    expect(storage.load('old')).toBeDefined()
    expect(storage.create('new', DATA, HOUR)).toBe(true)
    pass(HOUR)
    expect(storage.load('new')).toBeDefined()
    pass(3000)
    expect(storage.size).toBe(1)
    now += YEAR
    pass(3000)
    expect(storage.size).toBe(0)
  })

  it('takes no harm from a clock that is set back while it frees', () => {
    const storage = new StorageMemory({ clock })
    for (let n = 0; n < 3000; n++) storage.create(`id${n}`, DATA, 1000)
    now += 3000
    vi.advanceTimersByTime(1000)
    now -= HOUR
    pass(3000)
    expect(storage.size).toBe(2000)
    expect(storage.load('id2999') ?? storage.load('id0')).toBeDefined()
    pass(HOUR + 3000)
    expect(storage.size).toBe(0)
  })

  it('runs no timer while it is empty, and none once it is closed', async () => {
    const storage = new StorageMemory({ clock })
    expect(vi.getTimerCount()).toBe(0)
    storage.create('a', DATA, HOUR)
    expect(vi.getTimerCount()).toBe(1)
    await storage.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(() => storage.create('b', DATA, HOUR)).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED' }),
    )
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('StorageMemory and its process', () => {
  it('is not kept alive by a storage, closed or not', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const storages = Array.from({ length: 100 }, () => new StorageMemory())
    for (const storage of storages) storage.create('a', DATA, HOUR)
    // Timers that are unref'd are not among the active resources.
    expect(timers()).toBe(before)
    for (const storage of storages) await storage.close()
    expect(timers()).toBe(before)
  })

  it('lets go of a storage that was closed', async () => {
    const storage = new StorageMemory()
    storage.create('a', new Map([['large', JSON.stringify('x'.repeat(1000))]]), HOUR)
    await storage.close()
    await expect(storage.getSession('a', HOUR)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(storage.updateTTL('a', HOUR)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(storage.removeAll('a')).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
