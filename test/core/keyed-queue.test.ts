import { describe, expect, it } from 'vitest'
import { KeyedQueue } from '../../src/core/keyed-queue.ts'
import { makeGate } from '../helpers/gate.ts'

describe('a queue by key', () => {
  it('runs the work for one key in the order in which it came, however that ends', async () => {
    const queue = new KeyedQueue()
    const order: number[] = []
    const works = [1, 2, 3].map(n =>
      queue.run('key', async () => {
        await Promise.resolve()
        order.push(n)
        if (n === 1) throw new Error('failed')
        return n
      }),
    )
    const outcomes = await Promise.allSettled(works)
    expect(order).toEqual([1, 2, 3])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  })

  it('runs the work for other keys meanwhile', async () => {
    const queue = new KeyedQueue()
    const gate = makeGate()
    const first = queue.run('one', () => gate.opened)
    expect(await queue.run('two', async () => 2)).toBe(2)
    gate.open()
    await first
  })

  it('is busy with a key until the last work for it has ended', async () => {
    const queue = new KeyedQueue()
    const works = [1, 2].map(() => queue.run('key', async () => queue.isBusy('key')))
    expect([queue.isBusy('key'), queue.isBusy('other')]).toEqual([true, false])
    expect(await Promise.all(works)).toEqual([true, true])
    expect(queue.isBusy('key')).toBe(false)
  })
})
