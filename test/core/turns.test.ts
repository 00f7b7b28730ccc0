import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/core/turns.ts'

/** Has a turn, for work that takes a while. */
async function run(turns: Turns, work: () => void): Promise<void> {
  await turns.take()
  await Promise.resolve()
  work()
  turns.give()
}

describe('turns', () => {
  it('are had at once while nobody has one', () => {
    const turns = new Turns()
    expect([turns.isBusy, turns.take(), turns.isBusy]).toEqual([false, undefined, true])
    turns.give()
    expect(turns.isBusy).toBe(false)
  })

  it('come in the order in which they were asked for', async () => {
    const turns = new Turns()
    const order: number[] = []
    await Promise.all([1, 2, 3].map(n => run(turns, () => order.push(n))))
    expect(order).toEqual([1, 2, 3])
    expect(turns.isBusy).toBe(false)
  })

  it('are over for all who wait for that, once nobody waits for one', async () => {
    const turns = new Turns()
    const done: string[] = []
    const all = [
      run(turns, () => done.push('first')),
      turns.idle().then(() => done.push('idle')),
      run(turns, () => done.push('second')),
      turns.idle().then(() => done.push('idle too')),
    ]
    await Promise.all(all)
    expect(done).toEqual(['first', 'second', 'idle', 'idle too'])
    await turns.idle()
  })
})
