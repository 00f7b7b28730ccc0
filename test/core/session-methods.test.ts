import { Manager, type Session, SessionError, StorageMemory } from 'gsession'
import { beforeEach, describe, expect, it } from 'vitest'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { countCalls } from '../helpers/http-storage.ts'

const UNKNOWN = 'an-id-that-no-storage-knows'

let calls: string[]
let manager: Manager
let session: Session

beforeEach(() => {
  const counted = countCalls()
  calls = counted.calls
  manager = new Manager({ storage: counted.storage })
  session = manager.new()
})

/** A stored session, seen by a request that has not used it yet. */
async function stored(data: Record<string, unknown>): Promise<Session> {
  const id = await begin(manager, data)
  calls.length = 0
  return manager.new(id)
}

describe('a session that is not used', () => {
  it('asks the storage for nothing, with or without an id', async () => {
    const unused = [manager.new(), manager.new(''), manager.new(UNKNOWN)]
    for (const one of unused) await one.close()
    expect(calls).toEqual([])
  })

  it('asks for nothing when a visitor without an id reads and removes', async () => {
    await Promise.all([session.get('a'), session.data(), session.size(), session.contains('a')])
    await session.var('a')
    await session.remove('a')
    await session.removeAll()
    await session.close()
    expect(calls).toEqual([])
    expect(session.isDirty).toBe(false)
  })

  it('asks for nothing when an id has not the shape of one', async () => {
    const odd = manager.new('../../etc/passwd')
    await odd.removeAll()
    expect(await odd.data()).toEqual({})
    expect(calls).toEqual([])
  })
})

describe('reading', () => {
  it('asks the storage once, however often and whatever is read', async () => {
    const read = await stored({ a: 1 })
    await Promise.all([read.get('a'), read.data(), read.size(), read.contains('b'), read.id()])
    await read.close()
    expect(calls).toEqual(['load'])
  })

  it('gets values, and undefined for what is not there', async () => {
    const read = await stored({ a: 1, o: { list: [true] } })
    expect(await read.get('a')).toBe(1)
    expect(await read.get('o')).toEqual({ list: [true] })
    expect(await read.get('b')).toBeUndefined()
    expect(await manager.new(UNKNOWN).get('a')).toBeUndefined()
  })

  it('gives the fallback where a key or a session does not exist, and no other time', async () => {
    const read = await stored({ zero: 0, empty: '', no: false })
    expect(await read.get('b', 'fallback')).toBe('fallback')
    expect(await session.get('b', 'fallback')).toBe('fallback')
    expect(await manager.new(UNKNOWN).get('b', 7)).toBe(7)
    expect(await read.get('zero', 5)).toBe(0)
    expect(await read.get('empty', 'x')).toBe('')
    expect(await read.get('no', true)).toBe(false)
  })

  it('gets a stored null as null, and the fallback in its place', async () => {
    const read = await stored({ a: null })
    expect(await read.get('a')).toBeNull()
    expect(await read.get('a', 5)).toBe(5)
    expect(await read.contains('a')).toBe(false)
    expect(await read.size()).toBe(1)
    expect(await read.data()).toEqual({ a: null })
  })

  it('shows recorded changes before they are stored', async () => {
    const changed = await stored({ a: 1, b: 1 })
    await changed.set('c', 3)
    await changed.remove('a')
    expect(await changed.data()).toEqual({ b: 1, c: 3 })
    expect(await changed.size()).toBe(2)
    expect(await changed.contains('a')).toBe(false)
    expect(await changed.get('a', 'gone')).toBe('gone')
    expect(await changed.get('c')).toBe(3)
  })

  it('gives what was set last, whatever was read meanwhile', async () => {
    const changed = await stored({ o: { n: 1 } })
    const first = changed.get('o')
    await Promise.all([changed.set('o', { n: 2 }), first])
    expect(await first).toEqual({ n: 1 })
    expect(await changed.get('o')).toEqual({ n: 2 })
  })

  it('gives the same object for the same value, and another for another', async () => {
    const read = await stored({ o: { n: 1 } })
    const before = await read.get('o')
    expect(await read.get('o')).toBe(before)
    await read.set('o', { n: 2 })
    expect(await read.get('o')).not.toBe(before)
    expect(before).toEqual({ n: 1 })
  })

  it('converts a value, and an absent one to an empty Var', async () => {
    const read = await stored({ n: '42' })
    expect((await read.var('n')).int()).toBe(42)
    expect((await read.var('absent')).isNil()).toBe(true)
  })
})

describe('changing', () => {
  it('makes no I/O before close, and one call then', async () => {
    const changed = await stored({ a: 1 })
    await changed.set('b', 2)
    await changed.setMap({ c: 3, d: 4 })
    await changed.remove('a')
    expect(calls).toEqual([])
    await changed.close()
    expect(calls).toEqual(['merge'])
  })

  it('begins a session with the first thing that is set', async () => {
    await session.set('a', 1)
    await session.close()
    expect(calls).toEqual(['create'])
    expect(await manager.new(await session.id()).data()).toEqual({ a: 1 })
  })

  it('changes nothing by an empty map or by no keys', async () => {
    const changed = await stored({ a: 1 })
    await changed.setMap({})
    await changed.remove()
    expect(changed.isDirty).toBe(false)
    await changed.close()
    expect(calls).toEqual([])
  })

  it('removes several keys; missing ones do not matter', async () => {
    const changed = await stored({ a: 1, b: 2, c: 3 })
    await changed.remove('a', 'b', 'missing')
    await changed.close()
    expect(await manager.new(await changed.id()).data()).toEqual({ c: 3 })
  })

  it('begins no session by setting a key and removing it', async () => {
    await session.set('a', 1)
    await session.remove('a')
    expect(session.isDirty).toBe(false)
    await session.close()
    expect(calls).toEqual([])
  })

  it('is dirty from a change until it is stored', async () => {
    const changed = await stored({ a: 1 })
    expect(changed.isDirty).toBe(false)
    await changed.set('a', 2)
    expect(changed.isDirty).toBe(true)
    await changed.close()
    expect(changed.isDirty).toBe(false)
    await changed.remove('a')
    expect(changed.isDirty).toBe(true)
    await changed.removeAll()
    expect(changed.isDirty).toBe(false)
    await changed.update('b', () => 1)
    expect(changed.isDirty).toBe(false)
  })

  it('may be closed again: nothing is stored twice, and later changes are stored', async () => {
    await session.set('a', 1)
    await session.close()
    await session.close()
    await session.set('b', 2)
    await session.close()
    expect(calls).toEqual(['create', 'merge'])
    expect(await manager.new(await session.id()).data()).toEqual({ a: 1, b: 2 })
  })

  it('is stored at the end of a block by `await using`', async () => {
    let id = ''
    {
      await using used = manager.new()
      await used.set('a', 1)
      id = await used.id()
    }
    expect(await manager.new(id).get('a')).toBe(1)
  })
})

describe('update', () => {
  it('stores what the function returns, and resolves to it', async () => {
    const changed = await stored({ n: 1 })
    expect(await changed.update('n', n => Number(n) + 1)).toBe(2)
    expect(await changed.get('n')).toBe(2)
    expect(await manager.new(await changed.id()).get('n')).toBe(2)
  })

  it('gives the function undefined for an absent key and begins a session', async () => {
    const seen: unknown[] = []
    await session.update('n', n => {
      seen.push(n)
      return 1
    })
    expect(seen).toEqual([undefined])
    expect(await manager.new(await session.id()).data()).toEqual({ n: 1 })
  })

  it('gives the function a copy that it may change', async () => {
    const changed = await stored({ list: [1] })
    const before = await changed.get('list')
    const after = await changed.update('list', list => {
      const own = list as number[]
      own.push(2)
      return own
    })
    expect(before).toEqual([1])
    expect(after).toEqual([1, 2])
    expect(await changed.get('list')).toEqual([1, 2])
  })

  it('refuses what a session cannot keep', async () => {
    const promised = session.update('n', async () => 1)
    await expect(promised).rejects.toMatchObject({ code: 'ERR_VALUE' })
    expect(await session.data()).toEqual({})
  })
})

describe('keys', () => {
  it('may be any text, __proto__ and the empty one too', async () => {
    const keys = ['__proto__', 'constructor', 'toString', '', '0', 'a.b', '\ud800', '"\\\n']
    for (const key of keys) await session.set(key, [key])
    await session.close()
    const read = manager.new(await session.id())
    for (const key of keys) expect(await read.get(key)).toEqual([key])
    const data = await read.data()
    expect(Object.keys(data).sort()).toEqual([...keys].sort())
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    await read.remove('__proto__')
    expect(await read.contains('__proto__')).toBe(false)
    expect(await read.contains('constructor')).toBe(true)
  })

  it('are not found on the prototype of objects', async () => {
    const read = await stored({ a: 1 })
    for (const key of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect(await read.get(key)).toBeUndefined()
      expect(await read.contains(key)).toBe(false)
    }
  })

  it('are never __gsession, which the library keeps for itself', async () => {
    const key = '__gsession'
    const attempts = [
      session.get(key),
      session.var(key),
      session.contains(key),
      session.set(key, 1),
      session.setMap({ a: 1, [key]: 1 }),
      session.update(key, () => 1),
      session.remove('a', key),
    ]
    for (const attempt of attempts) expect(await codeOf(attempt)).toBe('ERR_KEY')
    expect(session.isDirty).toBe(false)
    expect(calls).toEqual([])
  })

  it('of the library itself are never shown', async () => {
    const storage = new StorageMemory()
    const plain = new Manager({ storage, idAtRest: 'plain' })
    await storage.setSession('x', { a: 1, __gsession: { by: 1 } }, 1000)
    const read = plain.new('x')
    expect(await read.data()).toEqual({ a: 1 })
    expect(await read.size()).toBe(1)
    await read.set('a', 2)
    await read.close()
    expect(await storage.getSession('x', 1000)).toEqual({ a: 2, __gsession: { by: 1 } })
  })

  it('are texts and nothing else', async () => {
    const notText: unknown = Symbol('key')
    expect(await codeOf(session.set(notText as string, 1))).toBe('ERR_KEY')
  })
})

it('is a SessionError with a code whatever is refused', async () => {
  await expect(session.set('d', new Date())).rejects.toBeInstanceOf(SessionError)
})
