import { afterEach, describe, expect, it, vi } from 'vitest'
import { ReadCache } from '../../src/storages/redis-read-cache.ts'
import { makeGate } from '../helpers/gate.ts'

const KEY = 'app:session:a'
const MINUTE = 60_000
const loaded = { data: new Map([['n', '1']]) }

function live(): ReadCache {
  const cache = new ReadCache()
  cache.live()
  return cache
}

const read = (cache: ReadCache, lifetime = MINUTE): Promise<unknown> =>
  cache.read(KEY, async () => ({ loaded, lifetime }))

afterEach(() => vi.restoreAllMocks())

describe('the read cache keeps', () => {
  it('what was read', async () => {
    const cache = live()
    await read(cache)
    expect(cache.find(KEY)).toBe(loaded)
  })

  it.each([KEY, undefined])('nothing that changed while it was read: %s', async changed => {
    const cache = live()
    const asked = makeGate()
    const reading = cache.read(KEY, async () => {
      await asked.opened
      return { loaded, lifetime: MINUTE }
    })
    cache.changed(changed)
    asked.open()
    expect(await reading).toBe(loaded)
    expect(cache.find(KEY)).toBeUndefined()
  })

  it('what was read last, of two reads at once', async () => {
    const cache = live()
    const asked = makeGate()
    const older = { data: new Map([['n', '0']]) }
    const reading = cache.read(KEY, async () => {
      await asked.opened
      return { loaded: older, lifetime: MINUTE }
    })
    await read(cache)
    asked.open()
    await reading
    expect(cache.find(KEY)).toBe(loaded)
  })

  it('nothing while nobody tells it of changes', async () => {
    const cache = new ReadCache()
    await read(cache)
    expect(cache.find(KEY)).toBeUndefined()
  })

  it('nothing from before its connection was lost, and nothing more until it is back', async () => {
    const cache = live()
    await read(cache)
    cache.lost()
    expect(cache.find(KEY)).toBeUndefined()
    await read(cache)
    expect(cache.find(KEY)).toBeUndefined()
    cache.live()
    await read(cache)
    expect(cache.find(KEY)).toBe(loaded)
  })

  it.each([
    ['for ten seconds at most', MINUTE, 10_000],
    ['for no longer than its ttl', 3000, 3000],
  ])('a session %s', async (_, lifetime, until) => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000)
    const cache = live()
    await read(cache, lifetime)
    now.mockReturnValue(1000 + until - 1)
    expect(cache.find(KEY)).toBe(loaded)
    now.mockReturnValue(1000 + until)
    expect(cache.find(KEY)).toBeUndefined()
  })
})
