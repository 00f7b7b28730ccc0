import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisStorageOptions, StorageRedis, StorageRedisHashTable } from '../../src/redis.ts'
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
  })
}
