import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Manager, newSessionId, StorageMemory } from 'gsession'
import { expect, test } from 'vitest'

const COUNT = 20_000
const SESSION = {
  name: 'Ada Lovelace',
  roles: ['customer', 'editor'],
  csrf: 'x'.repeat(64),
  locale: 'en',
  visits: 1,
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

test('idle sessions take less than 1.5 times what their ids and records take in a Map', async () => {
  const records = new Map<string, string>()
  const inMap = await bytesOf(async n => {
    const id = createHash('sha256').update(newSessionId()).digest('hex')
    records.set(id, Buffer.from(JSON.stringify({ ...SESSION, n })).toString('latin1'))
  })
  const storage = new StorageMemory()
  const manager = new Manager({ storage })
  const inStorage = await bytesOf(async n => {
    const session = manager.new()
    await session.setMap({ ...SESSION, n })
    await session.close()
  })
  expect([records.size, storage.size]).toEqual([COUNT, COUNT])
  expect(inStorage / inMap).toBeLessThan(1.5)
  await manager.close()
})

/** What making so many of something adds to the heap for good. */
async function bytesOf(make: (n: number) => Promise<void>): Promise<number> {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < COUNT; n++) await make(n)
  collectGarbage()
  return process.memoryUsage().heapUsed - before
}
