import { expect, it } from 'vitest'
import { RefreshQueue } from '../../src/core/refresh-queue.ts'

it('keeps no use of a session that has ended while the storage was down', async () => {
  let now = 0
  let isDown = true
  const written: string[] = []
  const queue = new RefreshQueue({
    ttl: 1000,
    refreshInterval: 100,
    now: () => now,
    refresh(accessedAt) {
      if (isDown) throw new Error('down')
      written.push(...accessedAt.keys())
    },
    failed: () => undefined,
  })
  void queue.add('ended', undefined)
  await expect(queue.flush()).rejects.toThrow('down')
  now = 600
  void queue.add('alive', undefined)
  now = 1001
  await expect(queue.flush()).rejects.toThrow('down')
  isDown = false
  await queue.close()
  expect(written).toEqual(['alive'])
})
