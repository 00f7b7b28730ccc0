import { type Clock, Manager, type Storage, StorageFile, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin } from '../helpers/core-sessions.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { KeyStorage, WholeStorage } from './custom-storages.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const STORAGES: Readonly<Record<string, (clock: Clock) => Storage>> = {
  memory: clock => new StorageMemory({ clock }),
  file: clock => new StorageFile({ path: tempFolder(), clock }),
  'custom, whole': clock => new WholeStorage(clock),
  'custom, keys': clock => new KeyStorage(clock),
}

// (Redis has a clock of its own: test/redis/ttl-changed.test.ts.)
describe.each(Object.entries(STORAGES))('a new ttl of the manager: %s', (_, open) => {
  /** A session that was begun under a ttl, which then changed, and what passes time and looks. */
  async function change(from: number, to: number) {
    let now = Date.now()
    const clock = (): number => now
    const manager = new Manager({ storage: open(clock), clock, ttl: from })
    const id = await begin(manager, { a: 1 })
    manager.ttl = to
    return {
      pass: (time: number): void => {
        now += time
      },
      read: async () => {
        const found = await manager.new(id).get('a')
        await manager.flush()
        return found
      },
      write: async () => {
        const session = manager.new(id)
        await session.get('a')
        await session.set('b', 2)
        await session.close()
      },
    }
  }

  it.each(['read', 'write'] as const)(
    'counts from the next %s on, when it is longer',
    async use => {
      const session = await change(HOUR, 3 * HOUR)
      session.pass(50 * MINUTE)
      await session[use]()
      session.pass(170 * MINUTE)
      expect(await session.read()).toBe(1)
    },
  )

  it('does not count for a session that has ended before its next use', async () => {
    const session = await change(HOUR, 3 * HOUR)
    session.pass(HOUR + MINUTE)
    expect(await session.read()).toBeUndefined()
  })

  it.each(['read', 'write'] as const)(
    'counts from the next %s on, when it is shorter',
    async use => {
      const session = await change(3 * HOUR, HOUR)
      session.pass(2 * HOUR)
      await session[use]()
      session.pass(50 * MINUTE)
      expect(await session.read()).toBe(1)
      session.pass(HOUR + MINUTE)
      expect(await session.read()).toBeUndefined()
    },
  )
})
