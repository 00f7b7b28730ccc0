import { newSessionId } from 'gsession'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisStorageOptions, StorageRedis, StorageRedisHashTable } from '../../src/redis.ts'
import { changes, encoded, loadAll } from '../../src/testing/data.ts'
import { HOUR } from '../../src/testing/fixture.ts'
import { type StorageSubject, storageContract } from '../../src/testing/index.ts'
import type { Connected } from './clients.ts'

const HASH_SKIPS: NonNullable<StorageSubject['skip']> = [
  {
    test: 'writes a number back as it was when other keys change',
    reason: 'a field has the one literal that GoFrame writes for a number: 1, not 1.0',
  },
]

/** Runs the contract over both storages. Its tests wait for real, and so they do it side by side. */
export function contractOfBoth(name: string, connect: () => Promise<Connected>): void {
  describe.concurrent(name, () => {
    let connected: Connected
    let opened = 0
    beforeAll(async () => {
      connected = await connect()
    })
    afterAll(() => connected.close())

    const runner = { describe: describe.concurrent, it: it.concurrent }
    const options = (): RedisStorageOptions => ({
      client: connected.client,
      prefix: `${name}:${opened++}:`,
      // All these tests run at the same time, on a machine that may have other work.
      timeout: '20s',
    })
    storageContract(runner, {
      name: `StorageRedis, ${name}`,
      hasOwnClock: true,
      open: () => new StorageRedis(options()),
    })
    storageContract(runner, {
      name: `StorageRedisHashTable, ${name}`,
      hasOwnClock: true,
      skip: HASH_SKIPS,
      open: () => new StorageRedisHashTable(options()),
    })

    describe.each([StorageRedis, StorageRedisHashTable])('beside another process, %o', Kind => {
      const openTwo = () => {
        const shared = options()
        return [new Kind(shared), new Kind(shared)] as const
      }
      const id = newSessionId()
      const newId = newSessionId()

      it.each([true, false])('moves nothing that is removed, keepOld: %s', async keepOld => {
        const [here, there] = openTwo()
        await here.create(id, encoded({ a: 1 }), HOUR)
        await there.destroy(id)
        expect(await here.rotate(id, newId, changes({}), HOUR, keepOld)).toBe('absent')
        expect(await loadAll(there, newId)).toBeUndefined()
      })

      it.each([true, false])('moves what is changed, keepOld: %s', async keepOld => {
        const [here, there] = openTwo()
        await here.create(id, encoded({ a: 1 }), HOUR)
        await there.merge(id, changes({ b: 2 }), HOUR)
        expect(await here.rotate(id, newId, changes({ c: 3 }), HOUR, keepOld)).toBe('rotated')
        expect(await loadAll(there, newId)).toEqual({ a: 1, b: 2, c: 3 })
      })

      it('changes nothing that is removed', async () => {
        const [here, there] = openTwo()
        await here.create(id, encoded({ a: 1 }), HOUR)
        await there.destroy(id)
        expect(await here.merge(id, changes({ b: 2 }), HOUR)).toBe(false)
        expect(await loadAll(there, id)).toBeUndefined()
      })
    })
  })
}
