import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { decodeData, encodeData, Manager, type Storage, StorageFile, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { replaceLongIntegers, splitObject } from '../../src/core/json.ts'
import { StorageBase } from '../../src/core/storage-base.ts'
import { decodeValue, encodeValue } from '../../src/core/value.ts'
import { decodeField, encodeField } from '../../src/storages/redis-hash-values.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { KeyStorage, WholeStorage } from '../storages/custom-storages.ts'
import { filesIn } from '../storages/file-names.ts'

const BIG = 2n ** 60n + 1n
/** More escapes than the stack of a regular expression has room for. */
const ESCAPED = '"\n'.repeat(1_700_000)
const UNREADABLE = { code: 'ERR_UNREADABLE' }

const nest = (levels: number, inside: string): string =>
  '['.repeat(levels) + inside + ']'.repeat(levels)

const nested = (levels: number): unknown => {
  let value: unknown = BIG
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const STORAGES: Readonly<Record<string, () => Storage>> = {
  memory: () => new StorageMemory(),
  file: () => new StorageFile({ path: tempFolder() }),
  'custom, whole sessions': () => new WholeStorage(Date.now),
  'custom, key by key': () => new KeyStorage(Date.now),
}

describe.each(Object.entries(STORAGES))('what was set (%s)', (_name, open) => {
  it.each<[string, unknown]>([
    ['millions of escapes beside a big integer', { text: ESCAPED, id: BIG }],
    ['millions of escapes beside sixteen digits in a text', [ESCAPED, '1234567890123456']],
    ['as many levels as a session keeps around a big integer', nested(500)],
    ['a hundred thousand big integers', new Array(100_000).fill(BIG)],
  ])('can be read: %s', async (_what, value) => {
    const manager = new Manager({ storage: open() })
    const session = manager.new()
    await session.set('value', value)
    await session.set('other', 1)
    const id = await session.id()
    await session.close()
    const later = manager.new(id)
    expect(encodeValue(await later.get('value'))).toBe(encodeValue(value))
    expect(encodeValue((await later.data())['value'])).toBe(encodeValue(value))
    expect(await later.update('other', () => 2)).toBe(2)
    await manager.close()
  })
})

describe('what others wrote', () => {
  const deep = `{"deep":${nest(3000, String(BIG))},"n":1}`

  it.each([
    ['nested 501 levels', `{"deep":${nest(501, '1')}}`],
    ['nested 3,000 levels beside a big integer', deep],
    ['objects nested 3,000 levels', `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`],
    ['nested a million levels', `{"deep":${nest(1_000_000, '')}}`],
  ])('is unreadable once when it is %s', async (_what, text) => {
    expect(() => decodeData(text)).toThrow(expect.objectContaining(UNREADABLE))
    const folder = tempFolder()
    const storage = new StorageFile({ path: folder })
    const manager = new Manager({ storage, idAtRest: 'plain' })
    await storage.setSession('deep', { n: 1 }, 3_600_000)
    const path = join(folder, filesIn(folder)[0] ?? '')
    writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 8), Buffer.from(text)]))
    // What was written just now may not be whole yet.
    utimesSync(path, 1, 1)
    await expect(manager.new('deep').get('n')).rejects.toMatchObject(UNREADABLE)
    expect(filesIn(folder)).toEqual(['deep.unreadable'])
    expect(await manager.new('deep').get('n')).toBeUndefined()
    await manager.close()
  })

  it('is read up to the depth that may be set, whatever stands beside it', () => {
    expect(decodeData(`{"deep":${nest(500, String(BIG))}}`)).toEqual({ deep: nested(500) })
    const beside = `{"a":${nest(400, '')},"b":${nest(400, '')}}`
    expect(Object.keys(decodeData(beside))).toEqual(['a', 'b'])
  })

  it('is a text in a field of a hash, whatever an older note says, when it is nested too deep', () => {
    const field = { ...encodeField('[1]'), value: nest(3000, '') }
    expect(decodeField(field)).toBe(JSON.stringify(nest(3000, '')))
    expect(decodeField({ ...field, value: nest(500, '') })).toBe(nest(500, ''))
  })

  it.each<[string, unknown]>([
    ['nested too deep', nested(3000)],
    ['a Date', new Date(0)],
    ['a function', () => 1],
  ])('is unreadable when a custom storage answers %s', async (_what, value) => {
    class Table extends StorageBase {
      override async getSession(): Promise<Record<string, unknown>> {
        return { value }
      }
      override async setSession(): Promise<void> {}
    }
    const manager = new Manager({ storage: new Table() })
    await expect(manager.new('known').get('value')).rejects.toMatchObject(UNREADABLE)
    await manager.close()
  })
})

describe('integers that no number holds', () => {
  it('come back exactly, wherever they stand and whatever texts stand around them', () => {
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.string({ unit: fc.constantFrom('"', '\\', '1234567890123456', '-', ',', 'e', '.') }),
        fc.bigInt().map(big => (big < 2n ** 53n && big > -(2n ** 53n) ? Number(big) : big)),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(null, true, -0, 1e21, 2 ** 53),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    }))
    fc.assert(
      fc.property(value, any => {
        const text = encodeValue(any)
        expect(decodeValue(text)).toEqual(any)
        expect(decodeData(encodeData({ any, __proto__: null }))['any']).toEqual(any)
        expect(replaceLongIntegers(text, digits => digits)).toBe(text)
        expect(splitObject(`{"a":${text}}`).get('a')).toBe(text)
      }),
    )
  })

  it('are found in any JSON, however it is written', () => {
    const spaced = (text: string): unknown => decodeValue(` [ ${text} , "x1234567890123456" ] `)
    expect(spaced('-9223372036854775808')).toEqual([-(2n ** 63n), 'x1234567890123456'])
    expect(spaced('1234567890123456')).toEqual([1234567890123456, 'x1234567890123456'])
    expect(spaced('{"__proto__":9007199254740993}')).toEqual([
      JSON.parse('{"__proto__":0}', (_key, value) => (value === 0 ? 9007199254740993n : value)),
      'x1234567890123456',
    ])
    for (const float of ['1234567890123456.5', '1e1234567890123456', '-1234567890123456E-5'])
      expect(spaced(float)).toEqual([Number(float), 'x1234567890123456'])
  })
})
