import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Var } from '../../src/core/var.ts'

const HUGE = 9_223_372_036_854_775_807n

describe('Var', () => {
  it.each([
    [undefined, ''],
    [null, ''],
    ['a', 'a'],
    [true, 'true'],
    [1.5, '1.5'],
    [1e21, '1000000000000000000000'],
    [1.5e21, '1500000000000000000000'],
    [1e-7, '0.0000001'],
    [-1.25e-9, '-0.00000000125'],
    [HUGE, '9223372036854775807'],
    [{ a: [1] }, '{"a":[1]}'],
  ])('reads %o as the text %s', (value, text) => {
    expect(new Var(value).string()).toBe(text)
  })

  it.each([
    ['010', 10],
    ['0x1F', 31],
    ['-0x1f', -31],
    ['+7', 7],
    ['1.9', 1],
    ['-1.9', -1],
    ['1e3', 1000],
    ['5px', 0],
    ['--5', 0],
    ['', 0],
    [1.9, 1],
    [-1.9, -1],
    [true, 1],
    [false, 0],
    [[1], 0],
    [undefined, 0],
  ])('reads %o as the integer %i', (value, int) => {
    expect(new Var(value).int()).toBe(int)
  })

  it('refuses an int that a number cannot hold, and gives it as a bigint', () => {
    expect(() => new Var(HUGE).int()).toThrow(expect.objectContaining({ code: 'ERR_VALUE' }))
    expect(new Var(HUGE).bigint()).toBe(HUGE)
    expect(new Var('18446744073709551615').bigint()).toBe(18_446_744_073_709_551_615n)
  })

  it.each([
    ['1.5e3', 1500],
    ['1e400', 0],
    ['0x10', 0],
    ['.5', 0.5],
    ['x', 0],
    [true, 1],
    [5n, 5],
    [null, 0],
  ])('reads %o as the number %d', (value, float) => {
    expect(new Var(value).float()).toBe(float)
  })

  it.each(['', '0', 'f', 'F', 'no', 'Off', 'FALSE', 0, -0, 0n, false, null, undefined, [], {}])(
    'reads %o as false',
    value => {
      expect(new Var(value).bool()).toBe(false)
    },
  )

  it.each(['1', 't', 'yes', 'null', ' ', '0.0', 1, 5n, true, [0], { a: 0 }])(
    'reads %o as true',
    value => {
      expect(new Var(value).bool()).toBe(true)
    },
  )

  it('tells nil and empty apart', () => {
    expect([undefined, null].every(value => new Var(value).isNil())).toBe(true)
    expect(['', 0, false, [], {}].some(value => new Var(value).isNil())).toBe(false)
    expect(
      ['', 0, 0n, false, [], {}, null, undefined].every(value => new Var(value).isEmpty()),
    ).toBe(true)
    expect([' ', 1, true, [0], { a: 0 }, '0'].some(value => new Var(value).isEmpty())).toBe(false)
  })

  const at = Date.UTC(2024, 0, 2, 3, 4, 5, 678)
  it.each([
    [1_704_164_645, at - 678],
    [1_704_164_645_678, at],
    [1_704_164_645_678_000, at],
    [1_704_164_645_678_000_000n, at],
    ['1704164645678', at],
    ['2024-01-02T03:04:05.678Z', at],
    ['2024-01-02T03:04:05.678901234Z', at],
    ['2024-01-02T05:04:05.678+02:00', at],
    ['2024-01-02 03:04:05', new Date(2024, 0, 2, 3, 4, 5).getTime()],
    ['2024-01-02', new Date(2024, 0, 2).getTime()],
  ])('reads %o as a point in time', (value, time) => {
    expect(new Var(value).time()?.getTime()).toBe(time)
  })

  it.each(['', 'soon', '2024', true, null, undefined].filter(value => value !== '2024'))(
    'finds no time in %o',
    value => {
      expect(new Var(value).time()).toBeUndefined()
    },
  )

  it.each([
    ['1h30m', 5_400_000],
    ['1d12h', 129_600_000],
    ['-1.5s', -1500],
    ['300ms', 300],
    ['2us', 0.002],
    [90_000_000_000, 90_000],
    ['90000000000', 90_000],
    ['soon', 0],
    [true, 0],
  ])('reads %o as a duration of %d ms', (value, milliseconds) => {
    expect(new Var(value).duration()).toBe(milliseconds)
  })

  it('reads maps, their JSON text, and arrays of pairs', () => {
    expect(new Var({ a: 1 }).map()).toEqual({ a: 1 })
    expect(new Var('{"a":9223372036854775807}').map()).toEqual({ a: HUGE })
    expect(new Var(['k1', 'v1', 'k2']).map()).toEqual({ k1: 'v1', k2: null })
    for (const value of ['{', 'a', 5, null, undefined]) expect(new Var(value).map()).toBeUndefined()
  })

  it('reads arrays, their JSON text, and one value as an array of it', () => {
    expect(new Var([1]).array()).toEqual([1])
    expect(new Var('[1,"a"]').array()).toEqual([1, 'a'])
    expect(new Var('a').array()).toEqual(['a'])
    expect(new Var(undefined).array()).toEqual([])
  })

  it('reads bytes of text, of base64, of numbers, and of JSON', () => {
    expect(new Var('hi').bytes()).toEqual(new Uint8Array([104, 105]))
    expect(new Var('aGk=').bytes('base64')).toEqual(new Uint8Array([104, 105]))
    expect(new Var([104, 105]).bytes()).toEqual(new Uint8Array([104, 105]))
    expect(new TextDecoder().decode(new Var({ a: 1 }).bytes())).toBe('{"a":1}')
  })

  it('gives what a schema makes of it', async () => {
    const schema = z.object({ name: z.string(), age: z.coerce.number() })
    expect(await new Var({ name: 'Ada', age: '36' }).scan(schema)).toEqual({ name: 'Ada', age: 36 })
    expect(await new Var(undefined).scan(z.string().optional())).toBeUndefined()
    expect(await new Var('a').scan(z.string().refine(async text => text === 'a'))).toBe('a')
  })

  it('refuses what a schema refuses, saying where and why', async () => {
    const refused = new Var({ user: { name: 5 } }).scan(
      z.object({ user: z.object({ name: z.string() }) }),
    )
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_VALUE',
      message: expect.stringMatching(/user\.name.*string/i),
    })
  })
})
