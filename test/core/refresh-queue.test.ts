import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { RefreshQueue } from '../../src/core/refresh-queue.ts'

function open(refreshInterval = 10_000) {
  const refreshed: string[][] = []
  const state = { isDown: false, tries: 0 }
  const queue = new RefreshQueue({
    ttl: 60_000,
    now: () => 1_000_000,
    refreshInterval,
    async refresh(accessedAt) {
      state.tries++
      if (state.isDown) throw new Error('It is down')
      refreshed.push([...accessedAt.keys()])
    },
    failed: () => {},
  })
  return { queue, refreshed, state }
}

it('a session that has ended, or was written, is not refreshed', async () => {
  const { queue, refreshed } = open()
  for (const id of ['a', 'b']) await queue.add(id, undefined)
  queue.forget('a')
  await queue.close()
  expect(refreshed).toEqual([['b']])
})

it('what could not be refreshed is refreshed later', async () => {
  const { queue, refreshed, state } = open()
  await queue.add('a', undefined)
  state.isDown = true
  await expect(queue.flush()).rejects.toThrow('It is down')
  state.isDown = false
  await queue.add('b', undefined)
  await queue.close()
  expect(refreshed).toEqual([['a', 'b']])
})

it('what nothing is gathered for is not tried again at once, to fail again', async () => {
  const { queue, refreshed, state } = open(0)
  state.isDown = true
  await queue.add('a', undefined)
  // Timers of one length end in the order in which they began.
  await wait(1)
  await wait(1)
  expect(state.tries).toBe(1)
  state.isDown = false
  await queue.close()
  expect(refreshed).toEqual([['a']])
})
