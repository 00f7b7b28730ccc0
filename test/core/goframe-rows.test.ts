import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Manager, type Session, StorageFile, StorageMemory } from 'gsession'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filesIn } from '../storages/file-names.ts'

const HOUR = 3_600_000
const ID = 'an-id-that-the-application-chose'

let folder = ''
let now = 0
const clock = (): number => now

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gsession-rows-'))
  now = Date.now()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Sessions in files as GoFrame would find them. */
function plainFiles(): Manager {
  return new Manager({
    ttl: HOUR,
    idAtRest: 'plain',
    storage: new StorageFile({ path: folder, clock }),
    clock,
  })
}

const fileOf = (id: string): string => join(folder, `${id}.session`)
const jsonOf = (id: string): string => readFileSync(fileOf(id)).subarray(8).toString()

/** Writes a file as GoFrame does, a while ago. */
function writeAsGo(id: string, content: string | Buffer, usedAt = now): void {
  const header = Buffer.alloc(8)
  header.writeBigInt64LE(BigInt(usedAt))
  writeFileSync(fileOf(id), Buffer.concat([header, Buffer.from(content)]))
  utimesSync(fileOf(id), usedAt / 1000 - 60, usedAt / 1000 - 60)
}

async function begin(manager: Manager, data: Record<string, unknown>): Promise<string> {
  const session = manager.new()
  await session.setMap(data)
  await session.close()
  return session.id()
}

describe.each([
  ['StorageMemory', () => new Manager({ ttl: HOUR, storage: new StorageMemory({ clock }), clock })],
  ['StorageFile', plainFiles],
])('the rows of GoFrame on %s', (_name, open) => {
  let manager: Manager
  let session: Session
  beforeEach(() => {
    manager = open()
    session = manager.new()
  })
  afterEach(() => manager.close())

  it('row 1: a visitor without an id who only reads gets no id and no record', async () => {
    expect(await session.get('a')).toBeUndefined()
    expect(await session.data()).toEqual({})
    expect(await session.size()).toBe(0)
    expect(await session.contains('a')).toBe(false)
    await session.remove('a')
    await session.removeAll()
    expect(session.isDirty).toBe(false)
    await session.close()
    expect(filesIn(folder)).toEqual([])
  })

  it('row 3: setting a key of a known session keeps its id and starts its ttl anew', async () => {
    const id = await begin(manager, { a: 1 })
    now += HOUR - 1
    const again = manager.new(id)
    await again.set('b', 2)
    await again.close()
    expect(await again.id()).toBe(id)
    now += HOUR
    expect(await manager.new(id).data()).toEqual({ a: 1, b: 2 })
  })

  it('row 4: reading a session extends it', async () => {
    const id = await begin(manager, { a: 1 })
    now += HOUR - 1
    await manager.new(id).get('a')
    now += HOUR
    expect(await manager.new(id).get('a')).toBe(1)
    now += HOUR + 1
    expect(await manager.new(id).get('a')).toBeUndefined()
  })

  it('row 21: removeAll deletes the record; nothing is written back', async () => {
    const id = await begin(manager, { a: 1 })
    const again = manager.new(id)
    await again.get('a')
    await again.removeAll()
    await again.close()
    expect(await again.data()).toEqual({})
    expect(filesIn(folder)).toEqual([])
    expect(await manager.new(id).data()).toEqual({})
  })

  it('row 22: a stored null is counted and shown, not contained, and yields to the fallback', async () => {
    const again = manager.new(await begin(manager, { k: null }))
    expect(await again.contains('k')).toBe(false)
    expect(await again.size()).toBe(1)
    expect(await again.data()).toEqual({ k: null })
    expect(await again.get('k', 'd')).toBe('d')
    expect(await again.get('k')).toBeNull()
  })

  it('row 23: removing a key where there can be no session changes nothing', async () => {
    await session.remove('a')
    expect(session.isDirty).toBe(false)
    const known = manager.new(await begin(manager, { a: 1 }))
    await known.remove('a')
    expect(known.isDirty).toBe(true)
  })

  it('row 24: setId and setIdFunc are refused once the session has started', async () => {
    await session.get('a')
    expect(() => session.setId(ID)).toThrow(expect.objectContaining({ code: 'ERR_STARTED' }))
    expect(() => session.setIdFunc(() => ID)).toThrow(
      expect.objectContaining({ code: 'ERR_STARTED' }),
    )
  })

  it('row 25: an id that the application chose names the record', async () => {
    session.setId('x')
    await session.set('a', 1)
    await session.close()
    expect(await session.id()).toBe('x')
    expect(await manager.new('x').get('a')).toBe(1)
  })

  it('row 26: regenerateId keeps the data under a new id; the old record is gone', async () => {
    const id = await begin(manager, { a: 1 })
    const newId = await manager.new(id).regenerateId()
    expect(newId).not.toBe(id)
    expect(await manager.new(newId).data()).toEqual({ a: 1 })
    expect(await manager.new(id).data()).toEqual({})
  })

  it('row 27: with keepOld the old id stays readable, and the two are apart', async () => {
    const id = await begin(manager, { a: 1 })
    const again = manager.new(id)
    const newId = await again.regenerateId({ keepOld: true })
    await again.set('user', 'alice')
    await again.close()
    expect(await manager.new(id).data()).toEqual({ a: 1 })
    expect(await manager.new(newId).data()).toEqual({ a: 1, user: 'alice' })
  })

  it('row 31: an id that the storage does not know is not adopted', async () => {
    const unknown = manager.new(ID)
    await unknown.set('a', 1)
    await unknown.close()
    expect(await unknown.id()).not.toBe(ID)
    expect(await manager.new(ID).data()).toEqual({})
    expect(await manager.new(await unknown.id()).get('a')).toBe(1)
  })

  it('row 32: what has not the shape of an id is the same as none', async () => {
    for (const id of ['../../x', 'a/b', 'user:1', '*', 'a b', '', 'a'.repeat(129), 'a\0b', 'é']) {
      const odd = manager.new(id)
      expect(await odd.data()).toEqual({})
      await odd.removeAll()
    }
    expect(filesIn(folder)).toEqual([])
  })

  it('row 33: the fallback is given without an id, too', async () => {
    expect(await session.get('k', 'def')).toBe('def')
  })

  it('row 38: a value that cannot be stored is refused at set, and nothing else is lost', async () => {
    await session.set('a', 1)
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const value of [() => 1, cycle, Number.NaN, Symbol('s'), undefined, new Map()]) {
      await expect(session.set('bad', value)).rejects.toMatchObject({ code: 'ERR_VALUE' })
    }
    await session.close()
    expect(await manager.new(await session.id()).data()).toEqual({ a: 1 })
  })

  it('row 40: a ttl below a second is kept to the millisecond', async () => {
    manager.ttl = 500
    const id = await begin(manager, { a: 1 })
    now += 500
    expect(await manager.new(id).contains('a')).toBe(true)
    manager.ttl = 500
    now += 501
    expect(await manager.new(id).contains('a')).toBe(false)
  })
})

describe('the rows of GoFrame about files', () => {
  let manager: Manager
  beforeEach(() => {
    manager = plainFiles()
  })
  afterEach(() => manager.close())

  it('rows 9 and 11: what Go wrote reads as it was, escaped or not', async () => {
    writeAsGo(ID, '{"a":"\\u003cb\\u003e","n":1265476890672672808,"t":[1,{"x":null}]}')
    expect(await manager.new(ID).data()).toEqual({
      a: '<b>',
      n: 1_265_476_890_672_672_808n,
      t: [1, { x: null }],
    })
  })

  it('row 10: the number literals of untouched keys stay what they are', async () => {
    writeAsGo(ID, '{"big":1265476890672672808,"one":1.0,"huge":1e400,"zero":-0,"o":{"f":2.50}}')
    const session = manager.new(ID)
    await session.set('a', 1)
    await session.close()
    expect(jsonOf(ID)).toBe(
      '{"big":1265476890672672808,"one":1.0,"huge":1e400,"zero":-0,"o":{"f":2.50},"a":1}',
    )
  })

  it('row 12: a file is eight bytes of time, little-endian, and JSON', async () => {
    now = 1_704_164_645_678
    const session = manager.new()
    session.setId(ID)
    await session.setMap({ k1: 'v1', n: 1 })
    await session.close()
    expect(readFileSync(fileOf(ID)).toString('hex')).toBe(
      '2edb20c88c0100007b226b31223a227631222c226e223a317d',
    )
  })

  it('row 13: an expired file reads as absent, and is removed: a clock that is set back revives nothing', async () => {
    writeAsGo(ID, '{"a":1}', now - HOUR - 1)
    expect(await manager.new(ID).data()).toEqual({})
    expect(filesIn(folder)).toEqual([])
  })

  it('row 14: a file of eight bytes or fewer reads as absent', async () => {
    writeAsGo(ID, '')
    expect(await manager.new(ID).data()).toEqual({})
  })

  it('row 17: a record that is null is no session', async () => {
    writeAsGo(ID, 'null')
    expect(await manager.new(ID).data()).toEqual({})
  })

  it.each(['[1]', '{"a":', '5', '"a"', '{}garbage'])(
    'row 18: the record %s is an error, kept aside; then the session starts afresh',
    async text => {
      writeAsGo(ID, text)
      await expect(manager.new(ID).get('a')).rejects.toMatchObject({ code: 'ERR_UNREADABLE' })
      expect(filesIn(folder)).toEqual([`${ID}.unreadable`])
      expect(await manager.new(ID).data()).toEqual({})
    },
  )
})
