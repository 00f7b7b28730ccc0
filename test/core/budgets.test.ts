import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { joinObject } from '../../src/core/json.ts'
import { memoize } from '../../src/core/memoize.ts'
import { Recent } from '../../src/core/recent.ts'

const HEAVY = 20_000
const MEGABYTE = 1_000_000

/** How many of these answers are remembered: those that are not computed once more. */
function countRemembered(texts: readonly string[]): number {
  let computed = 0
  const answer = memoize(text => {
    computed++
    return text
  })
  for (let round = 0; round < 3; round++) for (const text of texts) answer(text)
  const before = computed
  for (const text of texts) answer(text)
  return texts.length - (computed - before)
}

describe('what is remembered of texts', () => {
  it('is nothing of long ones, however often they come', () => {
    const keys = Array.from({ length: 3000 }, () => randomBytes(HEAVY / 2).toString('hex'))
    expect(countRemembered(keys)).toBe(0)
    expect(joinObject(new Map([[keys[0] ?? '', '1']]))).toBe(`{"${keys[0]}":1}`)
  })

  it('is within some megabytes, however many come', () => {
    const keys = Array.from({ length: 20_000 }, () => randomBytes(450).toString('hex'))
    expect(countRemembered(keys) * 2 * 1800).toBeLessThan(12 * MEGABYTE)
    expect(countRemembered(keys.slice(0, 100))).toBe(100)
  })
})

describe('what is remembered of values', () => {
  it('weighs three times the budget at most, whether the keys come once or again', () => {
    const recent = new Recent<string>(MEGABYTE)
    const keys = Array.from({ length: 500 }, () => randomBytes(16).toString('hex'))
    for (const weight of [HEAVY, MEGABYTE / 4, MEGABYTE]) {
      for (let round = 0; round < 3; round++) {
        for (const key of keys) recent.set(key, String(weight), weight)
        const kept = keys.map(key => Number(recent.get(key) ?? 0))
        expect(kept.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(3 * MEGABYTE)
      }
    }
  })

  it('is not the older value of a key whose new one is too heavy', () => {
    const recent = new Recent<string>(MEGABYTE)
    recent.set('key', 'older', 1)
    recent.set('key', 'newer', MEGABYTE)
    expect(recent.get('key')).toBeUndefined()
  })
})
