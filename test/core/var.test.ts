import { Manager, StorageMemory } from 'gsession'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readOnly } from '../../src/core/read-only.ts'
import { Var } from '../../src/core/var.ts'

/**
 * What GoFrame's `gvar.Var` gives was read off GoFrame v2.9.7 itself, for values that came back from
 * a JSON record, as a session's values do. Names with "GoFrame:" are where we differ on purpose.
 */

/** The largest int64 of Go, far beyond what a number holds. */
const MAX_INT64 = 9_223_372_036_854_775_807n

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function nested(levels: number): unknown {
  let value: unknown = []
  for (let level = 1; level < levels; level++) value = [value]
  return value
}

describe('val', () => {
  it.each([undefined, null, '', 0, MAX_INT64, { a: [1] }])('gives %o as it is', value => {
    expect(new Var(value).val()).toBe(value)
  })
})

describe('isNil', () => {
  it.each([undefined, null])('is true for %o', value => {
    expect(new Var(value).isNil()).toBe(true)
  })

  it.each(['', 'null', 0, 0n, false, [], {}])('is false for %o', value => {
    expect(new Var(value).isNil()).toBe(false)
  })
})

describe('isEmpty', () => {
  it.each([undefined, null, '', false, [], {}, readOnly([]), readOnly({})])(
    'is true for %o',
    value => {
      expect(new Var(value).isEmpty()).toBe(true)
    },
  )

  it.each([0, -0, 0n])('is true for the number %o (GoFrame: only until the reload)', value => {
    expect(new Var(value).isEmpty()).toBe(true)
  })

  it.each([' ', '0', 'false', 1, -1n, 0.1, true, [0], [null], { a: 0 }, readOnly([0])])(
    'is false for %o',
    value => {
      expect(new Var(value).isEmpty()).toBe(false)
    },
  )
})

describe('string', () => {
  it.each([
    [undefined, ''],
    [null, ''],
    ['', ''],
    [' a ', ' a '],
    ['0x1F', '0x1F'],
    [true, 'true'],
    [false, 'false'],
    [0, '0'],
    [65, '65'],
    [-1.5, '-1.5'],
    [MAX_INT64, '9223372036854775807'],
    [90_000_000_000, '90000000000'],
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05Z'],
    [[], '[]'],
    [{}, '{}'],
    [['a', 1, null], '["a",1,null]'],
    [{ a: [1, MAX_INT64] }, '{"a":[1,9223372036854775807]}'],
    [readOnly({ a: [{ b: 1 }] }), '{"a":[{"b":1}]}'],
  ])('of %o is %o', (value, text) => {
    expect(new Var(value).string()).toBe(text)
  })

  it.each([
    [1e21, '1000000000000000000000'],
    [-1e21, '-1000000000000000000000'],
    [1.5e21, '1500000000000000000000'],
    [1.2345e25, '12345000000000000000000000'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
  ])(
    'of %d is the digits %o (GoFrame: the literal, exponent and all, after a reload)',
    (value, text) => {
      expect(new Var(value).string()).toBe(text)
    },
  )

  it('of -0 is 0 (GoFrame: -0)', () => {
    expect(new Var(-0).string()).toBe('0')
  })

  it('of a map has the keys in their order, and no escapes for HTML (GoFrame: sorted, escaped)', () => {
    expect(new Var({ b: 1, a: '<é>' }).string()).toBe('{"b":1,"a":"<é>"}')
  })

  it('of something nested deeper than a session keeps is refused', () => {
    expect(new Var(nested(500)).string()).toBe('['.repeat(500) + ']'.repeat(500))
    expect(() => new Var(nested(501)).string()).toThrow(
      expect.objectContaining({ code: 'ERR_VALUE' }),
    )
  })
})

describe('int', () => {
  it.each([
    [undefined, 0],
    [null, 0],
    [true, 1],
    [false, 0],
    [0, 0],
    [-0, 0],
    [1.9, 1],
    [-1.9, -1],
    [-0.5, 0],
    [65n, 65],
    [9_007_199_254_740_991n, 9_007_199_254_740_991],
    ['', 0],
    ['7', 7],
    ['+7', 7],
    ['-7', -7],
    ['-0', 0],
    ['08', 8],
    ['010', 10],
    ['-007', -7],
    ['0x1F', 31],
    ['0X1f', 31],
    ['-0x1f', -31],
    ['+0x1F', 31],
    ['0x', 0],
    ['0xZZ', 0],
    ['1.9', 1],
    ['-1.9', -1],
    ['5.', 5],
    ['.5', 0],
    ['1e3', 1000],
    ['1.5E3', 1500],
    ['1e-400', 0],
    ['1e400', 0],
    ['.', 0],
    [' 5', 0],
    ['5 ', 0],
    ['5px', 0],
    ['yes', 0],
    [[1], 0],
    [{ a: 1 }, 0],
  ])('of %o is %d', (value, int) => {
    expect(new Var(value).int()).toBe(int)
  })

  it.each([
    ['--5', '5'],
    ['1_000', '1000'],
    ['0x1p4', '16'],
  ])('of %o, which is no decimal or 0x number, is 0 (GoFrame: %s)', text => {
    expect(new Var(text).int()).toBe(0)
  })

  it.each([
    9_007_199_254_740_992n,
    -9_007_199_254_740_992n,
    MAX_INT64,
    '9007199254740993',
    '0xFFFFFFFFFFFFFFFF',
    1e21,
  ])('of %o, which no number holds exactly, is refused (GoFrame: exact within 64 bits)', value => {
    expect(() => new Var(value).int()).toThrow(
      expect.objectContaining({
        code: 'ERR_VALUE',
        message: expect.stringContaining('`bigint()`'),
      }),
    )
  })
})

describe('bigint', () => {
  it.each([
    [undefined, 0n],
    [null, 0n],
    [true, 1n],
    [false, 0n],
    [-0, 0n],
    [-1.9, -1n],
    [5n, 5n],
    [MAX_INT64, MAX_INT64],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['0xFFFFFFFFFFFFFFFF', 18_446_744_073_709_551_615n],
    ['0009', 9n],
    ['1.9', 1n],
    ['1e3', 1000n],
    ['1e400', 0n],
    ['x', 0n],
    [[1], 0n],
    [{}, 0n],
  ])('of %o is %d', (value, bigint) => {
    expect(new Var(value).bigint()).toBe(bigint)
  })

  it.each([
    [1e21, 10n ** 21n],
    ['1e21', 10n ** 21n],
    ['123456789012345678901234567890', 123_456_789_012_345_678_901_234_567_890n],
    ['-0xFFFFFFFFFFFFFFFFFF', -(2n ** 72n - 1n)],
  ])('of %o has any size (GoFrame: 64 bits)', (value, bigint) => {
    expect(new Var(value).bigint()).toBe(bigint)
  })
})

describe('float', () => {
  it.each([
    [undefined, 0],
    [null, 0],
    [true, 1],
    [false, 0],
    [1.5, 1.5],
    [-0, -0],
    [5n, 5],
    [9_007_199_254_740_993n, 9_007_199_254_740_992],
    [10n ** 400n, 0],
    ['', 0],
    ['1.5', 1.5],
    ['-1.5e3', -1500],
    ['+2', 2],
    ['010', 10],
    ['.5', 0.5],
    ['5.', 5],
    ['-0', -0],
    ['1e21', 1e21],
    ['1e-7', 1e-7],
    ['1e-400', 0],
    ['1e400', 0],
    ['0x10', 0],
    ['.', 0],
    [' 5', 0],
    ['5px', 0],
    ['--5', 0],
    [[1.5], 0],
    [{ a: 1 }, 0],
  ])('of %o is %d', (value, float) => {
    expect(new Var(value).float()).toBe(float)
  })

  it.each([
    ['NaN', 'NaN'],
    ['inf', '+Inf'],
    ['Infinity', '+Inf'],
    ['1_000', '1000'],
    ['0x1p4', '16'],
  ])('of %o, which is no decimal number, is 0 (GoFrame: %s)', text => {
    expect(new Var(text).float()).toBe(0)
  })

  it('takes no time over a long text that is almost a number', () => {
    const started = performance.now()
    expect(new Var(`${'1'.repeat(1_000_000)}x`).float()).toBe(0)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('bool', () => {
  it.each([undefined, null, false, 0, 0n, [], {}, readOnly([])])('is false for %o', value => {
    expect(new Var(value).bool()).toBe(false)
  })

  it.each(['', '0', 'f', 'F', 'no', 'NO', 'No', 'off', 'OFF', 'false', 'False', 'FALSE', 'fAlSe'])(
    'is false for the text %o',
    text => {
      expect(new Var(text).bool()).toBe(false)
    },
  )

  it('is false for -0 (GoFrame: true after a reload)', () => {
    expect(new Var(-0).bool()).toBe(false)
  })

  it.each(['1', 't', 'yes', 'on', 'n', 'none', 'null', 'nil', ' ', '0.0', '00', '[]'])(
    'is true for the text %o',
    text => {
      expect(new Var(text).bool()).toBe(true)
    },
  )

  it.each([true, 1, -1, 0.1, 5n, [0], { a: 0 }])('is true for %o', value => {
    expect(new Var(value).bool()).toBe(true)
  })
})

describe('time', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  /** Reads the time of a value where local time is nine hours ahead of UTC. */
  function isoInTokyo(value: unknown): string | undefined {
    vi.stubEnv('TZ', 'Asia/Tokyo')
    return new Var(value).time()?.toISOString()
  }

  it.each([
    [1, '1970-01-01T00:00:01.000Z'],
    [-1, '1969-12-31T23:59:59.000Z'],
    [1.9, '1970-01-01T00:00:01.000Z'],
    [1_000_000_000, '2001-09-09T01:46:40.000Z'],
    [1_700_000_000, '2023-11-14T22:13:20.000Z'],
    [1_700_000_000.5, '2023-11-14T22:13:20.000Z'],
    [1_700_000_000_123, '2023-11-14T22:13:20.123Z'],
    [1_700_000_000_123_456, '2023-11-14T22:13:20.123Z'],
    [1_700_000_000_123_456_789n, '2023-11-14T22:13:20.123Z'],
    [1_700_000_000_123_999_999n, '2023-11-14T22:13:20.123Z'],
    [-1_700_000_000, '1916-02-18T01:46:40.000Z'],
    [-62_000_000_000, '0005-04-19T09:46:40.000Z'],
    ['1', '1970-01-01T00:00:01.000Z'],
    ['+1700000000', '2023-11-14T22:13:20.000Z'],
    ['1700000000.5', '2023-11-14T22:13:20.000Z'],
    ['1700000000123', '2023-11-14T22:13:20.123Z'],
    ['1700000000123999999', '2023-11-14T22:13:20.123Z'],
  ])('of the Unix time %o is %s', (value, iso) => {
    expect(isoInTokyo(value)).toBe(iso)
  })

  it('of a Unix time in milliseconds is exact', () => {
    for (let at = 1_700_000_000_000; at < 1_700_000_001_000; at++) {
      expect(new Var(at).time()?.getTime()).toBe(at)
    }
  })

  it.each([
    ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05.000Z'],
    ['2024-01-02T03:04:05.6Z', '2024-01-02T03:04:05.600Z'],
    ['2024-01-02T03:04:05.678Z', '2024-01-02T03:04:05.678Z'],
    ['2024-01-02T03:04:05+08:00', '2024-01-01T19:04:05.000Z'],
    ['2024-01-02T03:04:05+0800', '2024-01-01T19:04:05.000Z'],
    ['2024-01-02T03:04:05+08', '2024-01-01T19:04:05.000Z'],
    ['2024-01-02T03:04:05 +08:00', '2024-01-01T19:04:05.000Z'],
    ['2024-01-02T03:04:05-05:30', '2024-01-02T08:34:05.000Z'],
    ['0099-01-02T03:04:05Z', '0099-01-02T03:04:05.000Z'],
  ])('of %s is %s', (text, iso) => {
    expect(isoInTokyo(text)).toBe(iso)
  })

  it.each([
    ['2024-01-02T03:04:05.123456789Z', '2024-01-02T03:04:05.123Z'],
    ['2024-01-02T03:04:05.999999999+08:00', '2024-01-01T19:04:05.999Z'],
  ])('of %s is cut off to milliseconds, %s (GoFrame: nanoseconds)', (text, iso) => {
    expect(isoInTokyo(text)).toBe(iso)
  })

  it.each([
    ['2024-01-02 03:04:05', '2024-01-02T03:04:05+09:00'],
    ['2024-01-02T03:04:05.678', '2024-01-02T03:04:05.678+09:00'],
    ['2024-01-02 03:04', '2024-01-02T03:04:00+09:00'],
    ['2024-01-02', '2024-01-02T00:00:00+09:00'],
    ['2024/01/02', '2024-01-02T00:00:00+09:00'],
    ['2024.01.02', '2024-01-02T00:00:00+09:00'],
    ['2024-1-2 3:4:5', '2024-01-02T03:04:05+09:00'],
    ['2024-02-29', '2024-02-29T00:00:00+09:00'],
  ])('of %s is in local time, here %s', (text, iso) => {
    expect(isoInTokyo(text)).toBe(new Date(iso).toISOString())
  })

  it.each([undefined, null, '', true, false, 'soon', ' 5', '1e9', '2024-00-10', [], [1], {}])(
    'of %o is undefined',
    value => {
      expect(new Var(value).time()).toBeUndefined()
    },
  )

  it.each(['2024-01-02 25:00:00', '2024-01-02 24:00:00', '2024-01-02 03:60:00'])(
    'of the invalid %s is undefined',
    text => {
      expect(new Var(text).time()).toBeUndefined()
    },
  )

  it.each([0, 0n, -0.5, '0', '0001-01-01T00:00:00Z'])(
    'of %o, which is the zero time in GoFrame, is undefined',
    value => {
      expect(new Var(value).time()).toBeUndefined()
    },
  )

  it.each(['2024-02-31', '2023-02-29', '2024-13-01', '2024-01-32'])(
    'of %s, which is no date, is undefined (GoFrame: a date in the next month or year)',
    text => {
      expect(new Var(text).time()).toBeUndefined()
    },
  )

  it.each([
    'on 2024-01-02 at noon',
    '2024-01-02 03',
    '15:04:05',
    '02-Jan-2024',
    '2024-01-02 03:04:05 +0000 UTC',
  ])('of %o, which is more or less than a date, is undefined (GoFrame: finds a time)', text => {
    expect(new Var(text).time()).toBeUndefined()
  })

  it.each([10n ** 30n, -(10n ** 30n), '1'.repeat(400), 1e300])(
    'of %o, which no Date holds, is undefined (GoFrame: none or an arbitrary one)',
    value => {
      expect(new Var(value).time()).toBeUndefined()
    },
  )
})

describe('duration', () => {
  it.each([
    [undefined, 0],
    [null, 0],
    [true, 0],
    [[1], 0],
    [{}, 0],
    [0, 0],
    [90_000_000_000, 90_000],
    [90_000_000_000n, 90_000],
    [1_500_000.7, 1.5],
    [-1_500_000, -1.5],
    ['90000000000', 90_000],
    ['1', 0.000001],
    ['1500000.7', 1.5],
    ['', 0],
    ['0', 0],
    ['0s', 0],
    ['-0s', 0],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1D', 86_400_000],
    ['1d12h', 129_600_000],
    ['-1d12h', -129_600_000],
    ['-1.5s', -1500],
    ['+1.5s', 1500],
    ['1.1s', 1100],
    ['0.29s', 290],
    ['.5s', 500],
    ['1.s', 1000],
    ['300ms', 300],
    ['3us', 0.003],
    ['3µs', 0.003],
    ['3μs', 0.003],
    ['100ns', 0.0001],
    ['1h2m3s4ms5us6ns', 3_723_004.005006],
    ['-', 0],
    ['h', 0],
    ['.s', 0],
    ['1.5d', 0],
    ['1h1d', 0],
    ['1d1d', 0],
    ['2d3', 0],
    ['1d-1h', 0],
    ['12h 30m', 0],
    ['1H', 0],
    ['soon', 0],
  ])('of %o is %d ms', (value, milliseconds) => {
    expect(new Var(value).duration()).toBe(milliseconds)
  })

  it('of "+1d" is a day, as "+24h" is (GoFrame: 0)', () => {
    expect(new Var('+1d').duration()).toBe(86_400_000)
  })

  it.each(['3000000h', `${'9'.repeat(400)}h`, '1'.repeat(400)])(
    'of a text with more than the 292 years of Go is 0',
    text => {
      expect(new Var(text).duration()).toBe(0)
    },
  )

  it.each([2n ** 63n, -(10n ** 30n), 1e300])(
    'of %o, more than the 292 years of Go, is 0 (GoFrame: an arbitrary duration)',
    value => {
      expect(new Var(value).duration()).toBe(0)
    },
  )

  it('needs no stack for a text of any length', () => {
    expect(new Var('1ms'.repeat(5_000_000)).duration()).toBe(5_000_000)
    expect(new Var(`${'1ms'.repeat(5_000_000)}x`).duration()).toBe(0)
  })

  it('takes no time over a long text that is almost a duration', () => {
    const started = performance.now()
    expect(new Var(`${'1'.repeat(1_000_000)}x`).duration()).toBe(0)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('map', () => {
  it('of a map is that map', () => {
    const map = { a: 1 }
    expect(new Var(map).map()).toBe(map)
  })

  it('of a read-only view refuses changes, at any depth', () => {
    const map = new Var(readOnly({ user: { name: 'Ada' } })).map()
    expect(map).toEqual({ user: { name: 'Ada' } })
    expect(() => Object.assign(map?.['user'] ?? {}, { name: 'Bob' })).toThrow(/read-only/)
  })

  it.each([
    ['{}', {}],
    ['{"a":1,"b":[true,null]}', { a: 1, b: [true, null] }],
    ['{"a":9223372036854775807}', { a: MAX_INT64 }],
    [[], {}],
    [['k1', 'v1', 'k2'], { k1: 'v1', k2: null }],
    [[null, 1], { '': 1 }],
    [[104, 105], { 104: 105 }],
    [readOnly(['a', { b: 1 }]), { a: { b: 1 } }],
  ])('of %o is %o', (value, map) => {
    expect(new Var(value).map()).toEqual(map)
  })

  it.each([['["__proto__",1]'], [['__proto__', 1]]])('of %o never touches a prototype', value => {
    const map = new Var(typeof value === 'string' ? '{"__proto__":1}' : value).map() ?? {}
    expect(Object.entries(map)).toEqual([['__proto__', 1]])
    expect(Object.getPrototypeOf(map)).toBe(Object.prototype)
  })

  it.each([undefined, null, '', 'a', '{', '{broken}', '{"a":1} x', '[1,2]', 5, 5n, true])(
    'of %o is undefined',
    value => {
      expect(new Var(value).map()).toBeUndefined()
    },
  )

  it('of JSON text with blanks around is the map (GoFrame: nil)', () => {
    expect(new Var(' {"a":1}\n').map()).toEqual({ a: 1 })
  })
})

describe('array', () => {
  it('of an array is that array', () => {
    const array = [1, 'a', null]
    expect(new Var(array).array()).toBe(array)
  })

  it('of a read-only view refuses changes, at any depth', () => {
    const array = new Var(readOnly([{ name: 'Ada' }])).array()
    expect(array).toEqual([{ name: 'Ada' }])
    expect(() => Object.assign(array, { 0: 1 })).toThrow(/read-only/)
    expect(() => Object.assign(array[0] ?? {}, { name: 'Bob' })).toThrow(/read-only/)
  })

  it.each([
    ['[]', []],
    ['[1,"a"]', [1, 'a']],
    [' [1,2]\n', [1, 2]],
    ['[9223372036854775807]', [MAX_INT64]],
    ['', ['']],
    ['a,b', ['a,b']],
    ['[1,', ['[1,']],
    ['{"a":1}', ['{"a":1}']],
    [0, [0]],
    [5n, [5n]],
    [false, [false]],
    [{ a: 1 }, [{ a: 1 }]],
  ])('of %o is %o', (value, array) => {
    expect(new Var(value).array()).toEqual(array)
  })

  it.each([undefined, null])('of %o is [] (GoFrame: nil, which reads like it)', value => {
    expect(new Var(value).array()).toEqual([])
  })

  it('of JSON text that no session could keep is the text, and takes no time', () => {
    const deep = `${'['.repeat(100_000)}1234567890123456${']'.repeat(100_000)}`
    const started = performance.now()
    expect(new Var(deep).array()).toEqual([deep])
    expect(new Var('[1e400]').array()).toEqual(['[1e400]'])
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('bytes', () => {
  it.each([
    ['hi', 'hi'],
    ['é', 'é'],
    ['aGk=', 'aGk='],
    ['', ''],
    [undefined, ''],
    [null, ''],
    [65, '65'],
    [MAX_INT64, '9223372036854775807'],
    [[], ''],
    [[104, 105], 'hi'],
    [readOnly([104, 105]), 'hi'],
    [[0, 255].slice(0, 1), '\0'],
    [[256], '[256]'],
    [{}, '{}'],
    [{ a: 1 }, '{"a":1}'],
  ])('of %o is the UTF-8 of %o', (value, text) => {
    expect(utf8(new Var(value).bytes())).toBe(text)
  })

  it.each([
    ['aGk=', 'base64'],
    ['aGk', 'base64'],
    ['6869', 'hex'],
  ] as const)('of the text %o in %s is decoded (GoFrame: never)', (text, encoding) => {
    expect(utf8(new Var(text).bytes(encoding))).toBe('hi')
  })

  it.each([true, [1.5], ['a'], [null, 1]])(
    'of %o is its text (GoFrame: a binary form, with 0 for what is no number)',
    value => {
      expect(utf8(new Var(value).bytes())).toBe(JSON.stringify(value))
    },
  )

  it('of what is no text takes no notice of the encoding', () => {
    expect(utf8(new Var({ a: 1 }).bytes('base64'))).toBe('{"a":1}')
  })

  it('are a Uint8Array with memory of its own', () => {
    const bytes = new Var('hi').bytes()
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(bytes.buffer.byteLength).toBe(2)
  })

  it('of something nested deeper than a session keeps are refused', () => {
    expect(() => new Var(nested(501)).bytes()).toThrow(
      expect.objectContaining({ code: 'ERR_VALUE' }),
    )
  })
})

describe('toJSON', () => {
  it('is the value', () => {
    expect(JSON.stringify({ a: new Var({ b: [1] }), gone: new Var(undefined) })).toBe(
      '{"a":{"b":[1]}}',
    )
  })

  it('does not make JSON.stringify take a bigint', () => {
    expect(() => JSON.stringify(new Var(5n))).toThrow(TypeError)
  })
})

describe('session.var', () => {
  it('reads what was set, before and after a reload', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const session = manager.new()
    await session.setMap({
      port: '0x1F90',
      since: '2024-01-02T03:04:05Z',
      id: MAX_INT64,
      nil: null,
    })
    await session.close()
    const reloaded = manager.new(await session.id())

    for (const each of [session, reloaded]) {
      expect((await each.var('port')).int()).toBe(8080)
      expect((await each.var('since')).time()).toEqual(new Date('2024-01-02T03:04:05Z'))
      expect((await each.var('id')).bigint()).toBe(MAX_INT64)
      expect((await each.var('nil')).val()).toBeNull()
    }
    await manager.close()
  })

  it('gives the zero values of an absent key', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const absent = await manager.new().var('nothing')
    expect([absent.isNil(), absent.isEmpty(), absent.val()]).toEqual([true, true, undefined])
    expect([absent.string(), absent.int(), absent.bigint(), absent.float()]).toEqual(['', 0, 0n, 0])
    expect([absent.bool(), absent.time(), absent.duration()]).toEqual([false, undefined, 0])
    expect([absent.map(), absent.array(), absent.bytes()]).toEqual([
      undefined,
      [],
      new Uint8Array(),
    ])
    await manager.close()
  })
})
