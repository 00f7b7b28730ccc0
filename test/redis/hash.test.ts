import fc from 'fast-check'
import { type Manager, newSessionId } from 'gsession'
import type { StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from '../../src/core/value.ts'
import { decodeField, encodeField } from '../../src/storages/redis-hash-values.ts'
import { connect, immortalKeys, openManager } from '../fixtures/redis-lab.ts'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { inLong } from '../helpers/long.ts'
import type { Connected } from './clients.ts'
import { countCommands, type RedisServer, startServer } from './servers/index.ts'

const PREFIX = 'hash:'
const HOUR = 3_600_000
const MEGABYTE = 2 ** 20

let server: RedisServer
let connected: Connected
let manager: Manager
let storage: StorageRedisHashTable

beforeAll(async () => {
  server = await startServer()
  connected = await connect(server)
})
afterAll(async () => {
  expect(await immortalKeys(server)).toEqual([])
  await connected.close()
  await server.close()
})
beforeEach(() => {
  manager = openManager('StorageRedisHashTable', connected, PREFIX, { idAtRest: 'plain' })
  storage = manager.storage as StorageRedisHashTable
})

const fieldOf = (id: string, key: string) => server.call('HGET', PREFIX + id, key)

/** What GoFrame's HSET does. */
const writeAsGo = (id: string, key: string, value: string) =>
  server.call('HSET', PREFIX + id, key, value)

/** A session that GoFrame has begun. */
async function beginAsGo(fields: Readonly<Record<string, string>>): Promise<string> {
  const id = newSessionId()
  await server.call('HSET', PREFIX + id, ...Object.entries(fields).flat())
  await server.call('EXPIRE', PREFIX + id, 3600)
  return id
}

/** A value, and the bytes that GoFrame writes for it: goframe-facts.md 4.2. */
const FIELDS: readonly (readonly [name: string, value: unknown, field: string])[] = [
  ['nil', null, ''],
  ['a string', 'text', 'text'],
  ['the empty string', '', ''],
  [
    'a string that JSON would escape',
    'a "quote" \\ \n <b> & \u2028',
    'a "quote" \\ \n <b> & \u2028',
  ],
  ['unicode', 'ü€😀\0', 'ü€😀\0'],
  ['true', true, '1'],
  ['false', false, '0'],
  ['an int', 42, '42'],
  ['a negative int', -7, '-7'],
  ['the largest safe int', 2 ** 53 - 1, '9007199254740991'],
  ['an int64', 9223372036854775807n, '9223372036854775807'],
  ['a negative int64', -9223372036854775808n, '-9223372036854775808'],
  ['a uint64', 18446744073709551615n, '18446744073709551615'],
  ['a float', 1.5, '1.5'],
  ['a float with an inexact sum', 0.1 + 0.2, '0.30000000000000004'],
  ['minus zero', -0, '-0'],
  ['2^60', 2 ** 60, '1152921504606847000'],
  ['1e21', 1e21, '1000000000000000000000'],
  ['-1.5e22', -1.5e22, '-15000000000000000000000'],
  ['1e-7', 1e-7, '0.0000001'],
  ['-1.25e-9', -1.25e-9, '-0.00000000125'],
  ['the largest float', Number.MAX_VALUE, `17976931348623157${'0'.repeat(292)}`],
  ['the smallest float', Number.MIN_VALUE, `0.${'0'.repeat(323)}5`],
  ['a map', { a: 1, b: [true, null] }, '{"a":1,"b":[true,null]}'],
  ['a slice', [1, 'two', 1e21, 1e-7], '[1,"two",1e+21,1e-7]'],
  ['an empty map', {}, '{}'],
  ['an empty slice', [], '[]'],
  [
    'a map with HTML',
    { '<k>': '<b>&</b>' },
    '{"\\u003ck\\u003e":"\\u003cb\\u003e\\u0026\\u003c/b\\u003e"}',
  ],
  ['a slice with line separators', ['\u2028\u2029'], '["\\u2028\\u2029"]'],
  ['a slice with unicode', ['ü€😀'], '["ü€😀"]'],
  ['a slice with an int64', [9223372036854775807n], '[9223372036854775807]'],
]

/** Strings that look like something else. */
const DISGUISED = ['1', '0', '-0', 'true', 'null', '{}', '[]', '"quoted"', '1e21', ' ', '1.0']

const KEYS = ['__proto__', 'constructor', '1', '2', '', 'ü€😀', 'a b\n\0', '*?[a]', '{tag}', '__g']

describe('a field of StorageRedisHashTable', () => {
  it.each(FIELDS)(
    'has the bytes that GoFrame writes, and the value that was set: %s',
    async (_, value, field) => {
      const id = await begin(manager, { value })
      expect(await fieldOf(id, 'value')).toBe(field)
      expect(await manager.new(id).get('value')).toEqual(value)
      expect(await manager.new(id).data()).toEqual({ value })
      expect(await manager.new(id).update('value', before => before)).toEqual(value)
      expect(await fieldOf(id, 'value')).toBe(field)
    },
  )

  it('of a string is a string, whatever it looks like', async () => {
    const data = Object.fromEntries(DISGUISED.map(text => [text, text]))
    const id = await begin(manager, data)
    expect(await manager.new(id).data()).toEqual(data)
    for (const text of DISGUISED) {
      expect(await fieldOf(id, text)).toBe(text)
      expect(await manager.new(id).get(text)).toBe(text)
    }
  })

  it('has any key that a session may have', async () => {
    const entries = KEYS.map((key, index) => [key, index] as const)
    const data = Object.fromEntries(entries)
    const id = await begin(manager, data)
    const read = Object.entries(await manager.new(id).data())
    expect(read.sort()).toEqual(Object.entries(data).sort())
    for (const [key, index] of entries) {
      expect(await fieldOf(id, key)).toBe(String(index))
      expect(await manager.new(id).get(key)).toBe(index)
      await manager.new(id).update(key, n => Number(n) + 10)
      expect(await manager.new(id).get(key)).toBe(index + 10)
    }
    const session = manager.new(id)
    await session.remove(...KEYS)
    await session.close()
    expect(await manager.new(id).data()).toEqual({})
    expect(await server.call('HKEYS', PREFIX + id)).toEqual(expect.not.arrayContaining(KEYS))
  })

  it('is refused for a key that UTF-8 cannot hold', async () => {
    const session = manager.new()
    await session.set('half \ud83d', 1)
    expect(await codeOf(session.close())).toBe('ERR_KEY')
  })

  it('keeps half a surrogate pair in a value', async () => {
    const id = await begin(manager, { value: 'half \ud83d', list: ['\udc00'] })
    expect(await manager.new(id).data()).toEqual({ value: 'half \ud83d', list: ['\udc00'] })
  })

  it('holds a megabyte', async () => {
    const data = { text: 'é"'.repeat(MEGABYTE / 3), list: Array(MEGABYTE / 8).fill(123456) }
    const id = await begin(manager, data)
    expect(await manager.new(id).get('text')).toBe(data.text)
    expect(await manager.new(id).data()).toEqual(data)
  })

  it('may be one of 3,000', async () => {
    const entries = Array.from({ length: 3000 }, (_, n) => [`key${n}`, n % 2 ? n : `${n}`] as const)
    const id = await begin(manager, Object.fromEntries(entries))
    expect(await manager.new(id).data()).toEqual(Object.fromEntries(entries))

    const newId = await manager.new(id).regenerateId()
    const session = manager.new(newId)
    for (const [key] of entries.slice(5)) await session.remove(key)
    for (const [key] of entries) await session.set(`other ${key}`, true)
    await session.close()
    const [size, data] = [await manager.new(newId).size(), await manager.new(newId).data()]
    expect(size).toBe(3005)
    expect(data).toMatchObject(Object.fromEntries(entries.slice(0, 5)))
    expect(await manager.new(id).data()).toEqual({})
  })
})

describe('a field that GoFrame wrote', () => {
  it('is a string, of whatever it was', async () => {
    const fields = { n: '42', f: '1.5', b: '1', nil: '', map: '{"a":1}', id: '1265476890672672808' }
    const id = await beginAsGo(fields)
    expect(await manager.new(id).data()).toEqual(fields)
    for (const [key, value] of Object.entries(fields)) {
      expect(await manager.new(id).get(key)).toBe(value)
    }
    expect((await manager.new(id).var('id')).bigint()).toBe(1265476890672672808n)
    expect(await manager.new(id).get('none')).toBeUndefined()
    expect(await manager.new(id).update('n', n => Number(n) + 1)).toBe(43)
    expect(await manager.new(id).data()).toEqual({ ...fields, n: 43 })
  })

  it.each([
    [1, '8', 8],
    [1, 'oops', 'oops'],
    [1, '', ''],
    [1, '007', '007'],
    [1, '1.50', '1.50'],
    [1, ' 5', ' 5'],
    [1, 'Infinity', 'Infinity'],
    [1, '{"a":1}', '{"a":1}'],
    [1, '1265476890672672809', 1265476890672672809n],
    [1, '1000000000000000000000', 1e21],
    [2n ** 60n, '12', 12],
    [2n ** 60n, '1.5', '1.5'],
    [true, '0', false],
    [true, '2', '2'],
    [true, 'true', 'true'],
    [true, 'constructor', 'constructor'],
    [null, '', null],
    [null, 'now', 'now'],
    [[1], '{"a":[9223372036854775807]}', { a: [9223372036854775807n] }],
    [[1], 'text', 'text'],
    [[1], '{broken', '{broken'],
    [[1], '7', '7'],
    ['text', '8', '8'],
    ['text', 'true', 'true'],
  ])(
    'where %o was set, %o, is read by the noted type or as a string: %o',
    async (value, field, read) => {
      const id = await begin(manager, { key: value, other: 1 })
      await writeAsGo(id, 'key', field)
      expect(await manager.new(id).get('key')).toEqual(read)
      expect(await manager.new(id).data()).toEqual({ key: read, other: 1 })
    },
  )

  it('and removed since is away, and one that comes anew is read by the note', async () => {
    const id = await begin(manager, { key: 1, other: 1 })
    await server.call('HDEL', PREFIX + id, 'key')
    expect(await manager.new(id).data()).toEqual({ other: 1 })
    expect(await manager.new(id).get('key')).toBeUndefined()
    expect(await manager.new(id).update('key', n => Number(n ?? 0) + 5)).toBe(5)
  })

  it('gets an end in life with the first write from here', async () => {
    const id = await beginAsGo({ user: 'ann' })
    await server.call('PERSIST', PREFIX + id)
    await manager.new(id).update('n', () => 1)
    expect(await server.call('PTTL', PREFIX + id)).toBeGreaterThan(0)
    expect(await manager.new(id).data()).toEqual({ user: 'ann', n: 1 })
  })
})

describe("the library's own fields", () => {
  it('never show', async () => {
    const id = newSessionId()
    const note = new Map([['__gsession', '{"cookie":1}']])
    await storage.create(id, new Map([...note, ['a', '1'], ['b', '[2]']]), HOUR)
    await manager.new(id).update('a', n => Number(n) + 1)
    const fields = await server.call('HKEYS', PREFIX + id)
    expect(fields).toEqual(
      expect.arrayContaining(['__gsession', '__gsession:types', '__gsession:write']),
    )
    const session = manager.new(id)
    expect(await session.data()).toEqual({ a: 2, b: [2] })
    expect(await session.size()).toBe(2)
  })

  it.each(['__gsession', '__gsession:types', '__gsession:write'])(
    'cannot be named: %s',
    async key => {
      const session = manager.new(await begin(manager, { a: 1 }))
      expect(await codeOf(session.set(key, 1))).toBe('ERR_KEY')
      expect(await codeOf(session.setMap({ b: 1, [key]: 1 }))).toBe('ERR_KEY')
      expect(await codeOf(session.get(key))).toBe('ERR_KEY')
      expect(await codeOf(session.update(key, () => 1))).toBe('ERR_KEY')
      expect(await codeOf(session.remove(key))).toBe('ERR_KEY')
      expect(await session.data()).toEqual({ a: 1 })
    },
  )
})

describe('encodeField and decodeField', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.bigInt().filter(n => n > 2n ** 53n || n < -(2n ** 53n)),
    fc.jsonValue({ stringUnit: 'binary' }),
  )

  it('give back every value, and write it back as it was', () => {
    const check = (value: unknown): void => {
      const text = encodeValue(value)
      const read = decodeValue(decodeField(encodeField(text)))
      expect(read).toEqual(decodeValue(text))
      expect(encodeField(decodeField(encodeField(text)))).toEqual(encodeField(text))
    }
    fc.assert(fc.property(value, check), { numRuns: inLong(5000, 1000) })
  })

  it('take every text for a value of some kind, whatever is noted of it', () => {
    const types = fc.constantFrom('', 'n', 'i', 'b', 'z', 'j', 'x', 'constructor')
    const texts = fc.oneof(fc.string(), fc.json(), fc.double().map(String), fc.bigInt().map(String))
    const check = (value: string, type: string): void => {
      const read = decodeValue(decodeField({ value, type }))
      if (type === '' || type.length > 1 || type === 'x') expect(read).toBe(value)
      else expect(read).not.toBeUndefined()
    }
    fc.assert(fc.property(texts, types, check), { numRuns: inLong(5000, 1000) })
  })
})

it.each([
  ['a key', 'user', ['user', '__gsession:types', '__gsession']],
  ["the library's note alone", '__gsession', ['__gsession:types', '__gsession']],
])('is asked for each field once when %s is looked for', async (_, key, fields) => {
  const id = await begin(manager, { user: 'ann' })
  const [seen] = await countCommands(server, async () => storage.load(id, HOUR, key))
  expect(seen?.args).toEqual(['hmget', PREFIX + id, ...fields])
})
