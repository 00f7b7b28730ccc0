import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpiryWheel } from '../../src/storages/expiry-wheel.ts'
import { Recency } from '../../src/storages/recency.ts'
import { NO_SLOT, SlotLinks, Slots } from '../../src/storages/slots.ts'

const RUNS = { numRuns: 50 }
/** More slots than the first capacity of the arrays, so that they grow. */
const SLOTS = 200

const slot = fc.nat(SLOTS - 1)

describe('Slots', () => {
  it('are what a map from key to number would be', () => {
    const key = fc.constantFrom('', 'a', 'b', 'c', '__proto__', 'constructor', 'é', 'e\u0301')
    const steps = fc.array(fc.tuple(fc.constantFrom('add', 'remove'), key), {
      maxLength: 200,
      size: 'max',
    })
    fc.assert(
      fc.property(steps, program => {
        const slots = new Slots()
        const model = new Map<string, number>()
        for (const [step, key] of program) {
          const known = model.get(key)
          if (step === 'add' && known === undefined) {
            const added = slots.add(key)
            expect([...model.values()]).not.toContain(added)
            expect(added).toBeLessThanOrEqual(model.size + program.length)
            model.set(key, added)
          } else if (step === 'remove') {
            slots.remove(known ?? NO_SLOT)
            model.delete(key)
          }
          expect(slots.size).toBe(model.size)
          for (const [each, number] of model) expect(slots.find(each)).toBe(number)
          if (!model.has(key)) expect(slots.find(key)).toBe(NO_SLOT)
        }
      }),
      RUNS,
    )
  })

  it('are used again, so that they stay as few as the keys at one time', () => {
    const slots = new Slots()
    for (let round = 0; round < 1000; round++) {
      const first = slots.add('first')
      const second = slots.add('second')
      expect(Math.max(first, second)).toBeLessThan(2)
      slots.remove(first)
      slots.remove(second)
    }
  })

  it('that are free can be removed again', () => {
    const slots = new Slots()
    const added = slots.add('a')
    slots.remove(added)
    slots.remove(added)
    expect(slots.add('b')).toBe(added)
    expect(slots.add('c')).not.toBe(added)
  })
})

describe('SlotLinks', () => {
  it('are what lists in an array would be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(slot, fc.option(slot)), { maxLength: 200, size: 'max' }),
        program => {
          const links = new SlotLinks()
          const lists: number[][] = []
          const listOf = (slot: number) => lists.find(list => list.includes(slot))
          for (const [slot, next] of program) {
            const list = listOf(slot)
            if (list !== undefined) {
              links.remove(slot)
              list.splice(list.indexOf(slot), 1)
            }
            const target = next === null ? undefined : listOf(next)
            links.insertBefore(slot, target === undefined || next === null ? NO_SLOT : next)
            if (target === undefined || next === null) lists.push([slot])
            else target.splice(target.indexOf(next), 0, slot)
            const model = lists.flatMap(list =>
              list.map((slot, at) => [slot, list[at - 1], list[at + 1]]),
            )
            const real = model.map(([slot = NO_SLOT]) => [
              slot,
              links.previous(slot),
              links.next(slot),
            ])
            expect(real).toEqual(model.map(row => row.map(slot => slot ?? NO_SLOT)))
          }
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('Recency', () => {
  it('is what an array in the order of use would be', () => {
    const step = fc.tuple(fc.constantFrom('use', 'remove', 'evict'), slot)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), program => {
        const recency = new Recency()
        let model: number[] = []
        for (const [name, given] of program) {
          const slot = name === 'evict' ? recency.oldest : given
          const isKnown = model.includes(slot)
          model = model.filter(known => known !== slot)
          if (name === 'use') {
            if (isKnown) recency.use(slot)
            else recency.add(slot)
            model.push(slot)
          } else if (isKnown) {
            recency.remove(slot)
          }
          expect(recency.oldest).toBe(model[0] ?? NO_SLOT)
        }
        const drained = model.map(() => {
          const { oldest } = recency
          recency.remove(oldest)
          return oldest
        })
        expect(drained).toEqual(model)
        expect(recency.oldest).toBe(NO_SLOT)
      }),
      RUNS,
    )
  })
})

describe('ExpiryWheel', () => {
  const BUCKET = 1000
  const YEAR = 365 * 24 * 3_600_000
  const delay = fc.oneof(fc.integer({ min: -5000, max: 20_000 }), fc.constantFrom(YEAR, -YEAR))
  const pause = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 3000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -30_000, max: 30_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(YEAR, -YEAR) },
  )
  const step = fc.oneof(
    fc.record({ name: fc.constant('set' as const), slot, delay }),
    fc.record({ name: fc.constant('remove' as const), slot }),
    fc.record({ name: fc.constant('pass' as const), pause }),
    // A sweep frees so many at most, and the next one goes on.
    fc.record({ name: fc.constant('sweep' as const), slice: fc.constantFrom(0, 1, 2, 3, SLOTS) }),
  )

  it('finds what a look at every deadline would find, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), program => {
        const wheel = new ExpiryWheel()
        const deadlines = new Map<number, number>()
        let now = 1_800_000_000_123
        const sweep = (slice: number): void => {
          for (let freed = 0; freed < slice; freed++) {
            const slot = wheel.nextExpired(now)
            if (slot === NO_SLOT) {
              expect(Math.min(...deadlines.values())).toBeGreaterThanOrEqual(now - 2 * BUCKET)
              return
            }
            expect(deadlines.get(slot)).toBeLessThan(now)
            wheel.remove(slot)
            deadlines.delete(slot)
          }
        }
        for (const action of program) {
          if (action.name === 'pass') now += action.pause
          else if (action.name === 'sweep') sweep(action.slice)
          else if (action.name === 'remove') {
            if (deadlines.delete(action.slot)) wheel.remove(action.slot)
          } else {
            const deadline = now + action.delay
            if (deadlines.has(action.slot)) wheel.move(action.slot, deadline)
            else wheel.add(action.slot, deadline)
            deadlines.set(action.slot, deadline)
          }
          const agree = [...deadlines].every(
            ([slot, deadline]) => wheel.deadline(slot) === deadline,
          )
          expect(agree).toBe(true)
        }
        sweep(SLOTS + 1)
        now = Math.max(now, ...deadlines.values()) + 2 * BUCKET
        sweep(SLOTS + 1)
        expect(deadlines.size).toBe(0)
      }),
      { numRuns: 500 },
    )
  }, 30_000)
})
