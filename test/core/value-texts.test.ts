import fc from 'fast-check'
import { decodeData, encodeData, Manager, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { joinObject, splitObject } from '../../src/core/json.ts'
import { decodeValue, encodeValue } from '../../src/core/value.ts'
import { codeOf } from '../helpers/core-sessions.ts'

const LITERALS = {
  one: '1.0',
  int64: '1265476890672672808',
  uint64: '18446744073709551615',
  huge: '1e400',
  zero: '-0',
  exponent: '1E+2',
  nested: '{ "f" : 2.50, "l" : [ 1.0 , 1e400 ] }',
  text: '"\\u003cb\\u003e \\/ \\ud800"',
}

/** A session under the id `x` that holds these texts. */
function storing(texts: Record<string, string>): { storage: StorageMemory; manager: Manager } {
  const storage = new StorageMemory()
  storage.create('x', new Map(Object.entries(texts)), 3_600_000)
  return { storage, manager: new Manager({ storage, idAtRest: 'plain' }) }
}

describe('the texts of keys that were not touched', () => {
  it('stay byte for byte what they are when other keys change', async () => {
    const { storage, manager } = storing(LITERALS)
    const session = manager.new('x')
    await session.data()
    await session.set('other', 1)
    await session.close()
    await session.update('other', () => 2)
    await session.remove('other')
    await session.close()
    expect(storage.load('x')?.data).toEqual(new Map(Object.entries(LITERALS)))
  })

  it('stay so under a new id', async () => {
    const { storage, manager } = storing(LITERALS)
    const session = manager.new('x')
    await session.set('other', 1)
    const id = await session.regenerateId()
    expect(storage.load(id)?.data).toEqual(new Map(Object.entries({ ...LITERALS, other: '1' })))
  })
})

describe('numbers', () => {
  it.each<[unknown, string, unknown]>([
    [1, '1', 1],
    [-0, '-0', -0],
    [2 ** 53 - 1, '9007199254740991', 2 ** 53 - 1],
    [2 ** 53, '9007199254740992.0', 2 ** 53],
    [-(2 ** 60), '-1152921504606847000.0', -(2 ** 60)],
    [1e21, '1e+21', 1e21],
    [5e-324, '5e-324', 5e-324],
    [5n, '5', 5],
    [-5n, '-5', -5],
    [2n ** 53n, '9007199254740992', 2n ** 53n],
    [-(2n ** 63n), '-9223372036854775808', -(2n ** 63n)],
    [10n ** 400n, `1${'0'.repeat(400)}`, 10n ** 400n],
  ])('%o is kept as %s', (value, text, back) => {
    expect(encodeValue(value)).toBe(text)
    expect(decodeValue(text)).toBe(back)
    expect(decodeValue(encodeValue([value]))).toEqual([back])
  })

  it('of any size come back as the same amount', () => {
    const number = fc.oneof(fc.bigInt(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    fc.assert(
      fc.property(number, value => {
        const back = decodeValue(encodeValue(value))
        // biome-ignore lint/suspicious/noDoubleEquals: a small bigint comes back as a number
        expect(back == value).toBe(true)
        if (typeof value === 'number') expect(back).toBe(value)
      }),
    )
  })
})

describe('values', () => {
  it('have one text, whatever stands beside them', () => {
    const value = fc.jsonValue({ noUnicodeString: false }).chain(json =>
      // -0 and numbers beyond 2^53, in the same places as any other value.
      fc.constantFrom(json, -0, 2 ** 60, 1e21, -1.5e300, { n: [json, -0] }, [{ n: 2 ** 53 }]),
    )
    fc.assert(
      fc.property(value, each => {
        const text = encodeValue(each)
        // Beside a bigint nothing is left to JSON.stringify.
        expect(encodeValue([each, 1n])).toBe(`[${text},1]`)
        expect(encodeValue({ each, left: undefined, big: 1n })).toBe(`{"each":${text},"big":1}`)
      }),
    )
  })

  it('have no say in what their text is', async () => {
    const mine = { toJSON: 1, a: [{ toJSON: null }] }
    expect(encodeValue(mine)).toBe('{"toJSON":1,"a":[{"toJSON":null}]}')
    expect(() => encodeValue({ toJSON: () => 1 })).toThrow(/a function/)
    expect(encodeValue(Object.assign([1], { toJSON: () => 2 }))).toBe('[1]')
  })

  it('keep their depth up to 500 levels, and refuse one more', () => {
    const nest = (depth: number): unknown =>
      JSON.parse('['.repeat(depth) + '12345678901234567'.repeat(1) + ']'.repeat(depth))
    expect(encodeValue(decodeValue(encodeValue(nest(500))))).toBe(encodeValue(nest(500)))
    expect(() => encodeValue(nest(501))).toThrow(/deeper than 500 levels/)
  })

  it('may hold the same object twice, but not within itself', () => {
    const shared = { n: 1 }
    expect(encodeValue([shared, { shared }])).toBe('[{"n":1},{"shared":{"n":1}}]')
    const cycle: Record<string, unknown> = { list: [] }
    cycle['list'] = [cycle]
    expect(() => encodeValue(cycle)).toThrow(/`list\[0\]` is a reference to something/)
  })

  it.each<[string, unknown]>([
    ['an instance of Set', new Set()],
    ['an instance of Uint8Array', new Uint8Array(1)],
    ['an instance of String', Object('boxed')],
    ['an instance of Promise', Promise.resolve()],
    ['an instance of Error', new Error('e')],
    ['an instance of Account', new (class Account {})()],
    ['toISOString', new Date(0)],
    ['NaN', Number.NaN],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['undefined', [undefined]],
    ['a function', { toJSON: () => 1 }],
    ['a symbol', Symbol('s')],
  ])('that are %s are refused', (what, value) => {
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
    expect(() => encodeValue(value)).toThrow(what)
  })

  it('that are undefined are refused at set and in setMap', async () => {
    const session = new Manager({ storage: new StorageMemory() }).new()
    expect(await codeOf(session.set('a', undefined))).toBe('ERR_VALUE')
    expect(await codeOf(session.setMap({ a: undefined }))).toBe('ERR_VALUE')
  })

  it('with a key __proto__ keep it as their own, and no prototype changes', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"__proto__":{"x":12345678901234567890}}']) {
      const value = decodeValue(text)
      expect(Object.keys(value as object)).toEqual(['__proto__'])
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(encodeValue(value)).toBe(text)
      expect(encodeData(decodeData(text))).toBe(text)
    }
  })
})

describe('splitting an object', () => {
  it('leaves each value the text that it is', () => {
    const text =
      ' {"a" : 1.0 ,\t"b":[ 1,{"c":"}]\\"\\\\"} ]\r\n, "\\u0061\\"" : "x\\\\" , "" :null } '
    expect([...splitObject(text)]).toEqual([
      ['a', '1.0'],
      ['b', '[ 1,{"c":"}]\\"\\\\"} ]'],
      ['a"', '"x\\\\"'],
      ['', 'null'],
    ])
  })

  it('finds no member in an empty one', () => {
    for (const text of ['{}', ' { \n } ']) expect(splitObject(text).size).toBe(0)
  })

  it('lets the last of two members with one key win, as JSON.parse does', () => {
    expect([...splitObject('{"a":1,"b":2,"\\u0061":3}')]).toEqual([
      ['a', '3'],
      ['b', '2'],
    ])
  })

  it('is undone by joining', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.json()), texts => {
        const members = new Map(Object.entries(texts))
        expect([...splitObject(joinObject(members))]).toEqual(
          [...members].map(([key, text]) => [key, text.trim()]),
        )
      }),
    )
  })
})
