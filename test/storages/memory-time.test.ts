import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EncodedData } from '../../src/core/changes.ts'
import { StorageMemory } from '../../src/storages/memory.ts'

vi.mock('node:timers', async () => {
  const { nodeTimers } = await import('../helpers/global-timers.ts')
  return { default: nodeTimers }
})

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR
const DATA: EncodedData = new Map([['a', '1']])
const NO_CHANGES = { set: new Map(), removed: new Set<string>() }

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
      void storage.refresh(new Map([['id0', now]]), 10_000)
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
