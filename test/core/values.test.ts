import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitObject } from '../../src/core/json.ts'
import { isSessionId, newSessionId } from '../../src/core/session-id.ts'
import { decodeValue, encodeValue } from '../../src/core/value.ts'

const data = fc.letrec(tie => ({
  value: fc.oneof(
    fc.constantFrom(null, true, false, -0, 2 ** 53, 1e21, -1.5e300, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
    fc.bigInt().filter(value => !Number.isSafeInteger(Number(value))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
}))

describe('values', () => {
  it('come back as they were: JSON, big integers, -0, numbers that look like big integers', () => {
    fc.assert(
      fc.property(data.value, value => {
        expect(decodeValue(encodeValue(value))).toEqual(value)
      }),
    )
  })

  it.each([
    [[1, undefined], 'undefined', '[1]'],
    [{ a: { b: Number.NaN } }, 'NaN', '`a.b`'],
    [{ at: new Date(0) }, 'an instance of Date', '`at`'],
    [{ f: () => 1 }, 'a function', '`f`'],
    [[new Map()], 'an instance of Map', '[0]'],
    [Number.POSITIVE_INFINITY, 'Infinity', 'the value'],
    [Symbol('s'), 'a symbol', 'the value'],
  ])('are refused when they are not data: %o', (value, what, where) => {
    const refusal = (): unknown => encodeValue(value)
    expect(refusal).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
    expect(refusal).toThrow(what)
    expect(refusal).toThrow(where)
  })

  it('are refused when they contain themselves or are nested too deep', () => {
    const cycle: unknown[] = []
    cycle.push([cycle])
    expect(() => encodeValue(cycle)).toThrow(/contains it/)
    let deep: unknown = 1
    for (let level = 0; level < 1000; level++) deep = [deep]
    expect(() => encodeValue(deep)).toThrow(/deeper than 500/)
  })

  it('with big integers are decoded in time that grows with their length, however deep they are', () => {
    const wide = `"${'x'.repeat(2000)}"`
    const text = `${`[${wide},`.repeat(450)}9007199254740993${']'.repeat(450)}`
    let value = decodeValue(text) as unknown[]
    for (let level = 1; level < 450; level++) value = value[1] as unknown[]
    expect(value[1]).toBe(9_007_199_254_740_993n)
  })

  it('lose properties that are undefined, as in JSON', () => {
    expect(encodeValue({ a: undefined, b: 1 })).toBe('{"b":1}')
  })
})

describe('splitting JSON', () => {
  it('finds the same members as JSON.parse, whatever the blanks and escapes', () => {
    const spaced = fc.tuple(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(0, 1, '\t', '\r\n '),
    )
    fc.assert(
      fc.property(spaced, ([object, blank]) => {
        const members = splitObject(` ${JSON.stringify(object, null, blank)} `)
        const parsed = [...members].map(([key, text]) => [key, JSON.parse(text)] as const)
        expect(Object.fromEntries(parsed)).toEqual(JSON.parse(JSON.stringify(object)))
      }),
    )
  })
})

describe('ids', () => {
  it('are 43 characters of base64url, never twice, every character about as often', () => {
    const ids = Array.from({ length: 100_000 }, newSessionId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every(id => /^[A-Za-z0-9_-]{43}$/.test(id))).toBe(true)
    const counts = new Map<string, number>()
    // The last character carries four bits only.
    for (const id of ids)
      for (const char of id.slice(0, 42)) counts.set(char, (counts.get(char) ?? 0) + 1)
    const expected = (ids.length * 42) / 64
    const chiSquare = [...counts.values()].reduce(
      (sum, n) => sum + (n - expected) ** 2 / expected,
      0,
    )
    expect(counts.size).toBe(64)
    // 63 degrees of freedom: beyond 150 in less than one of a billion runs.
    expect(chiSquare).toBeLessThan(150)
  })

  it.each([
    '',
    'a b',
    'a/b',
    '..',
    'a\0',
    'a\n',
    'é',
    'a%2e',
    'a'.repeat(129),
    5,
    null,
    undefined,
    ['a'],
    {},
  ])('are not %o', value => {
    expect(isSessionId(value)).toBe(false)
  })
})
