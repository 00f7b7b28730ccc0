import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/core/turns.ts'

describe('turns', () => {
  it('are had at once while nobody has one', () => {
    const turns = new Turns()
    expect([turns.isBusy, turns.take(), turns.isBusy]).toEqual([false, undefined, true])
    turns.give()
    expect(turns.isBusy).toBe(false)
  })

  it('come in the order in which they were asked for, however the work ends', async () => {
    const turns = new Turns()
    const order: number[] = []
    const works = [1, 2, 3].map(n =>
      turns.run(async () => {
        await Promise.resolve()
        order.push(n)
        if (n === 1) throw new Error('failed')
        return n
      }),
    )
    const outcomes = await Promise.allSettled(works)
    expect(order).toEqual([1, 2, 3])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(turns.isBusy).toBe(false)
  })

  it('are over for all who wait for that, once nobody waits for one', async () => {
    const turns = new Turns()
    const done: string[] = []
    const all = [
      turns.run(async () => void done.push('first')),
      turns.idle().then(() => done.push('idle')),
      turns.run(async () => void done.push('second')),
      turns.idle().then(() => done.push('idle too')),
    ]
    await Promise.all(all)
    expect(done).toEqual(['first', 'second', 'idle', 'idle too'])
    await turns.idle()
  })
})
