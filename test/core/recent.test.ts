import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Recent } from '../../src/core/recent.ts'

const BUDGET = 100
const newKeys = (count: number): string[] =>
  Array.from({ length: count }, () => randomBytes(32).toString('hex'))

function setAll(recent: Recent<string>, keys: readonly string[], value = 'x'): void {
  for (const key of keys) recent.set(key, value)
}

function kept(recent: Recent<string>, keys: readonly string[]): string[] {
  return keys.filter(key => recent.get(key) !== undefined)
}

describe('what is remembered', () => {
  it('is nothing of a key that was never set', () => {
    expect(new Recent<string>(BUDGET).get('a')).toBeUndefined()
  })

  it('is what was set last, whether its key came once or again', () => {
    const recent = new Recent<string>(BUDGET)
    const keys = newKeys(40)
    for (const value of ['first', 'second', 'third']) {
      for (const key of keys) {
        recent.set(key, value)
        expect(recent.get(key)).toBe(value)
        recent.set(key, `${value}, changed`)
        expect(recent.get(key)).toBe(`${value}, changed`)
      }
      setAll(recent, newKeys(100))
    }
  })

  it('is there for a request beside thirty others, and no longer if the key came once', () => {
    const recent = new Recent<string>(BUDGET)
    const [own = ''] = newKeys(1)
    recent.set(own, 'x')
    setAll(recent, newKeys(31))
    expect(recent.get(own)).toBe('x')
    setAll(recent, newKeys(64))
    expect(recent.get(own)).toBeUndefined()
  })

  it('stays when its key came again, however many come once', () => {
    const recent = new Recent<string>(BUDGET)
    const keys = newKeys(50)
    setAll(recent, keys)
    setAll(recent, newKeys(100))
    setAll(recent, keys)
    setAll(recent, newKeys(10_000))
    // Where two keys have the same place among those that came lately, one counts as new.
    expect(kept(recent, keys).length).toBeGreaterThan(40)
  })

  it('goes when others that came again take twice the budget', () => {
    const recent = new Recent<string>(BUDGET)
    const [earlier, later] = [newKeys(50), newKeys(300)]
    for (const keys of [earlier, later]) {
      setAll(recent, keys)
      setAll(recent, newKeys(100))
      setAll(recent, keys)
      setAll(recent, newKeys(100))
    }
    expect(kept(recent, earlier)).toEqual([])
    expect(kept(recent, later).length).toBeLessThanOrEqual(2 * BUDGET)
    expect(kept(recent, later).length).toBeGreaterThan(BUDGET / 2)
  })

  it('is no more than the budget holds of heavy things', () => {
    const recent = new Recent<string>(BUDGET)
    const keys = newKeys(40)
    for (let n = 0; n < 2; n++) {
      for (const key of keys) recent.set(key, 'heavy', 10)
      setAll(recent, newKeys(100))
    }
    expect(kept(recent, keys).length).toBeLessThanOrEqual((2 * BUDGET) / 10)
  })
})
