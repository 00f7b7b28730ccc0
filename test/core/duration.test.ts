import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Duration, parseDuration } from '../../src/core/duration.ts'

describe('a duration', () => {
  it.each<[Duration, number]>([
    [1, 1],
    [86_400_000, 86_400_000],
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1.5s', 1500],
    ['0.001s', 1],
    ['007s', 7000],
  ])('%j is %d milliseconds', (duration, milliseconds) => {
    expect(parseDuration('ttl', duration)).toBe(milliseconds)
  })

  it.each<[Duration, number]>([
    ['16.1s', 16_100],
    ['1.001s', 1001],
    ['4.1m', 246_000],
    ['1.1h', 3_960_000],
    ['0.7d', 60_480_000],
  ])('%j is exact, although floating point is not', (duration, milliseconds) => {
    expect(parseDuration('ttl', duration)).toBe(milliseconds)
  })

  it('is exact in seconds with up to three decimals', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), milliseconds => {
        const seconds = `${Math.floor(milliseconds / 1000)}.${String(milliseconds % 1000).padStart(3, '0')}`
        expect(parseDuration('ttl', `${seconds}s` as Duration)).toBe(milliseconds)
      }),
    )
  })

  it.each([
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '0s',
    '-1s',
    '0.5ms',
    '1.0005s',
    '10',
    '',
    's',
    '1 s',
    ' 1s',
    '1s\n',
    '1S',
    '1e3s',
    '0x10s',
    '.5s',
    '5.s',
    '1m30s',
    '1w',
    '1.5.5s',
    '9999999999999999d',
    null,
    undefined,
    true,
    [[5]],
    {},
    5n,
  ])('is not %o', value => {
    const parse = (): number => parseDuration('ttl', value as Duration)
    expect(parse).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(parse).toThrow(/^Expected `ttl` to be .*'24h'/)
  })
})
