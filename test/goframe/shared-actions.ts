import fc from 'fast-check'
import type { GoVersion } from './go-driver.ts'

export const SIDES = ['node', 'go'] as const
export type Side = (typeof SIDES)[number]

/** So many requests of each side are under way at the same time. */
export const SLOTS = 2
const SLOT_NUMBERS = [...Array(SLOTS).keys()]

interface InRequest {
  readonly side: Side
  readonly slot: number
}

/** One step of a program: a request begins, or one that is under way does something. */
export type Action = InRequest &
  (
    | { readonly do: 'open'; readonly given: 'last' | 'none' | 'unknown' | number }
    | { readonly do: 'data' | 'size' | 'close' | 'removeAll' }
    | { readonly do: 'get' | 'contains'; readonly key: string }
    | { readonly do: 'update'; readonly side: 'node'; readonly key: string }
    | { readonly do: 'set'; readonly key: string; readonly value: unknown }
    | { readonly do: 'setMap'; readonly values: readonly [string, unknown][] }
    | { readonly do: 'remove'; readonly keys: readonly string[] }
    | { readonly do: 'regenerate'; readonly keepOld: boolean }
  )
export type Use = Exclude<Action, { do: 'open' }>

const slot = fc.nat(SLOTS - 1)
const side = fc.constantFrom(...SIDES)
const key = fc.constantFrom('a', 'b', '__proto__', '')
const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(null, true, false, 0.5, '', '1', '<text> é', 9_223_372_036_854_775_807n),
  fc.constantFrom([1, [2]], { a: { b: null } }),
)
/** Which id a request comes with: one that was used, by its number, or none that is known. */
const given = fc.oneof(
  { weight: 6, arbitrary: fc.constant('last' as const) },
  { weight: 2, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: fc.constantFrom('none' as const, 'unknown' as const) },
)

/** All requests are on one session that a side has begun; or there is none yet. */
const opening: fc.Arbitrary<readonly Action[]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant([]) },
  {
    weight: 5,
    arbitrary: fc
      .record({ side, slot, key, value })
      .map(first => [
        { ...first, do: 'set' as const },
        { ...first, do: 'close' as const },
        ...SIDES.flatMap(side =>
          SLOT_NUMBERS.map(slot => ({ side, slot, do: 'open' as const, given: 'last' as const })),
        ),
      ]),
  },
)

const as = <Name extends string>(...names: Name[]) => fc.constantFrom(...names)

/** A program for both sides. GoFrame 2.6.4 has no RegenerateId. */
export function programs(version: GoVersion): fc.Arbitrary<readonly Action[]> {
  const regenerating = version === '2.6.4' ? fc.constant('node' as const) : side
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ side, slot, do: as('open'), given }) },
    { weight: 5, arbitrary: fc.record({ side, slot, do: as('data', 'size', 'close', 'close') }) },
    { weight: 3, arbitrary: fc.record({ side, slot, do: as('get', 'contains'), key }) },
    { weight: 1, arbitrary: fc.record({ side: as('node'), slot, do: as('update'), key }) },
    { weight: 5, arbitrary: fc.record({ side, slot, do: as('set'), key, value }) },
    { weight: 1, arbitrary: fc.record({ side, slot, do: as('setMap'), values: entries() }) },
    { weight: 2, arbitrary: fc.record({ side, slot, do: as('remove'), keys: fc.array(key) }) },
    { weight: 1, arbitrary: fc.record({ side, slot, do: as('removeAll') }) },
    {
      weight: 1,
      arbitrary: fc.record({
        side: regenerating,
        slot,
        do: as('regenerate'),
        keepOld: fc.boolean(),
      }),
    },
  )
  const actions = fc.array(action, { minLength: 1, maxLength: 30, size: 'max' })
  return fc.tuple(opening, actions).map(parts => parts.flat())
}

/** Go's HMSET refuses an empty map. */
function entries(): fc.Arbitrary<[string, unknown][]> {
  return fc.uniqueArray(fc.tuple(key, value), { minLength: 1, selector: ([key]) => key })
}
