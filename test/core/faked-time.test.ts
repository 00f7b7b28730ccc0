import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'

type Package = typeof import('gsession')
type Open = (gsession: Package) => InstanceType<Package['StorageFile' | 'StorageMemory']>

const HOUR = 3_600_000
const START = new Date('2030-05-01T12:00:00Z')
/** A storage that an application made before tests fake the time, or after. */
const STORAGES: Readonly<Record<string, Open>> = {
  memory: ({ StorageMemory }) => new StorageMemory(),
  file: ({ StorageFile }) => new StorageFile({ path: tempFolder() }),
}
const WAYS: Readonly<Record<string, () => Promise<Package>>> = {
  'after the import': async () => {
    const gsession = await import('gsession')
    vi.useFakeTimers({ now: START })
    return gsession
  },
  'before the import': async () => {
    vi.useFakeTimers({ now: START })
    return import('gsession')
  },
  'by the date alone': async () => {
    vi.setSystemTime(START)
    return import('gsession')
  },
}
const CASES = Object.keys(WAYS).flatMap(way => Object.keys(STORAGES).map(name => [way, name]))

beforeEach(() => vi.resetModules())
afterEach(() => vi.useRealTimers())

describe('a time that is faked', () => {
  it.each(CASES)('%s is the time of the sessions (%s)', async (way, name) => {
    const gsession = await WAYS[way]?.()
    if (gsession === undefined) throw new Error('No such way')
    const storage = STORAGES[name]?.(gsession)
    const manager = new gsession.Manager({ ttl: '1h', ...(storage && { storage }) })
    const session = manager.new()
    await session.set('views', 1)
    await session.close()
    const id = await session.id()
    vi.setSystemTime(START.getTime() + HOUR)
    expect(await manager.new(id).get('views')).toBe(1)
    vi.setSystemTime(START.getTime() + 2 * HOUR)
    await manager.flush()
    vi.setSystemTime(START.getTime() + 3 * HOUR + 1)
    expect(await manager.new(id).get('views')).toBeUndefined()
    await manager.close()
  })

  it.each(CASES)('%s holds up nobody who changes sessions (%s)', async (way, name) => {
    const gsession = await WAYS[way]?.()
    if (gsession === undefined) throw new Error('No such way')
    const storage = STORAGES[name]?.(gsession)
    const manager = new gsession.Manager({ ...(storage && { storage }) })
    const session = manager.new()
    await session.set('views', 0)
    await session.close()
    const id = await session.id()
    const counted = Array.from({ length: 20 }, () =>
      manager.new(id).update('views', (views = 0) => Number(views) + 1),
    )
    await Promise.all(counted)
    expect(await manager.new(id).get('views')).toBe(20)
    vi.useRealTimers()
    expect(await manager.new(id).update('views', () => 0)).toBe(0)
    await manager.close()
  })
})

describe('an environment whose timers are numbers, as those of a browser are', () => {
  it('has the timers of Node for what the library waits for', async () => {
    const timers = { setTimeout, setImmediate, clearTimeout }
    const number = (): never => 1 as never
    Object.assign(globalThis, { setTimeout: number, setImmediate: undefined, clearTimeout: number })
    try {
      const { Manager, StorageMemory } = await import('gsession')
      const manager = new Manager({ storage: new StorageMemory() })
      const session = manager.new()
      await session.set('views', 1)
      await session.close()
      const id = await session.id()
      const ended = new Promise<void>(resolve => manager.watch(id, resolve))
      expect(await manager.new(id).get('views')).toBe(1)
      await manager.new(id).removeAll()
      await ended
      await manager.close()
    } finally {
      Object.assign(globalThis, timers)
    }
  })
})
