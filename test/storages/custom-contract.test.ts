import { newSessionId } from 'gsession'
import { describe, expect, it } from 'vitest'
import { atomicVerbsOf } from '../../src/core/adapt-storage.ts'
import type { AtomicVerbs } from '../../src/core/atomic-storage.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Storage } from '../../src/core/storage.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { changes, encoded, loadAll } from '../../src/testing/data.ts'
import { storageContract } from '../../src/testing/index.ts'
import { KeyStorage, PortedStorage, WholeStorage } from './custom-storages.ts'

storageContract(
  { describe, it },
  { name: 'a storage of whole sessions', open: clock => new WholeStorage(clock) },
)

storageContract(
  { describe, it },
  { name: 'a storage key by key', open: clock => new KeyStorage(clock) },
)

for (const Kind of [WholeStorage, KeyStorage]) {
  storageContract(
    { describe, it },
    { name: `a ported ${Kind.name}`, open: clock => new PortedStorage(new Kind(clock)) },
  )
}

storageContract(
  { describe, it },
  { name: 'a storage with a clock of its own', hasOwnClock: true, open: () => new StorageMemory() },
)

const HOUR = 3_600_000

const KINDS: [string, (clock: Clock) => Storage][] = [
  ['whole sessions', clock => new WholeStorage(clock)],
  ['keys', clock => new KeyStorage(clock)],
  ['whole sessions, ported', clock => new PortedStorage(new WholeStorage(clock))],
  ['keys, ported', clock => new PortedStorage(new KeyStorage(clock))],
  ['built-in verbs', clock => new StorageMemory({ clock })],
]

describe.each(KINDS)('the verbs of a storage of %s', (_name, open) => {
  let now = Date.now()
  const openVerbs = (): AtomicVerbs => atomicVerbsOf(open(() => now))

  it('keep a session without keys, apart from no session', async () => {
    const verbs = openVerbs()
    const id = newSessionId()
    expect(await verbs.create(id, encoded({ a: 1, b: 2 }), HOUR)).toBe(true)
    expect(await verbs.merge(id, changes({}, ['a', 'b']), HOUR)).toBe(true)
    expect(await loadAll(verbs, id)).toEqual({})
    expect((await verbs.load(id, HOUR, 'a'))?.data.size).toBe(0)
    expect(await verbs.create(id, encoded({ c: 3 }), HOUR)).toBe(false)
    expect(await verbs.merge(id, changes({}, ['absent']), HOUR)).toBe(true)
    expect(await verbs.merge(id, changes({ d: 4 }), HOUR)).toBe(true)
    expect(await loadAll(verbs, id)).toEqual({ d: 4 })
    expect(await verbs.merge(id, changes({}, ['d']), HOUR)).toBe(true)
    expect(await loadAll(verbs, id)).toEqual({})
    await verbs.destroy(id)
    expect(await loadAll(verbs, id)).toBeUndefined()
    expect(await verbs.merge(id, changes({ e: 5 }), HOUR)).toBe(false)
  })

  it('begin a session without keys, and move one to a new id', async () => {
    const verbs = openVerbs()
    const [id, newId, third] = [newSessionId(), newSessionId(), newSessionId()]
    expect(await verbs.create(id, new Map(), HOUR)).toBe(true)
    expect(await verbs.create(id, new Map(), HOUR)).toBe(false)
    expect(await verbs.rotate(id, newId, changes({}), HOUR, false)).toBe('rotated')
    expect(await loadAll(verbs, id)).toBeUndefined()
    expect(await loadAll(verbs, newId)).toEqual({})
    await verbs.merge(newId, changes({ a: 1 }), HOUR)
    expect(await verbs.rotate(newId, third, changes({}, ['a']), HOUR, true)).toBe('rotated')
    expect(await loadAll(verbs, newId)).toEqual({ a: 1 })
    expect(await loadAll(verbs, third)).toEqual({})
  })

  it('end a session without keys when its ttl has passed', async () => {
    const verbs = openVerbs()
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    await verbs.merge(id, changes({}, ['a']), HOUR)
    now += HOUR
    expect(await loadAll(verbs, id)).toEqual({})
    await verbs.refresh(new Map([[id, now]]), HOUR)
    now += HOUR
    expect(await loadAll(verbs, id)).toEqual({})
    now += 1
    expect(await loadAll(verbs, id)).toBeUndefined()
    expect(await verbs.merge(id, changes({ b: 2 }), HOUR)).toBe(false)
  })

  it.each([
    ['a removal', changes({}, ['b'])],
    ['the removal of a key that is absent', changes({}, ['absent'])],
    ['no change', changes({})],
    ['the removal of the last keys', changes({}, ['a', 'b'])],
  ])('count the ttl anew from %s', async (_change, change) => {
    const verbs = openVerbs()
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1, b: 2 }), HOUR)
    now += HOUR
    await verbs.merge(id, change, HOUR)
    now += HOUR
    expect(await loadAll(verbs, id)).toBeDefined()
    now += 1
    expect(await loadAll(verbs, id)).toBeUndefined()
  })

  it('move no session over one that is begun at the same time', async () => {
    for (const [id, newId] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const verbs = openVerbs()
      await verbs.create(id, encoded({ moved: true }), HOUR)
      const [rotation, created] = await Promise.all([
        verbs.rotate(id, newId, changes({}), HOUR, false),
        verbs.create(newId, encoded({ begun: true }), HOUR),
      ])
      expect([rotation, created]).toEqual(created ? ['taken', true] : ['rotated', false])
      expect(await loadAll(verbs, newId)).toEqual(created ? { begun: true } : { moved: true })
      expect(await loadAll(verbs, id)).toEqual(created ? { moved: true } : undefined)
    }
  })

  it('do not wait for each other for ever when two sessions change places', async () => {
    const verbs = openVerbs()
    await verbs.create('a', encoded({ name: 'a' }), HOUR)
    await verbs.create('b', encoded({ name: 'b' }), HOUR)
    // Both are in use, so that each rotation has to wait before it holds its first one.
    const busy = [verbs.merge('a', changes({}), HOUR), verbs.merge('b', changes({}), HOUR)]
    const rotations = await Promise.all([
      verbs.rotate('a', 'b', changes({}), HOUR, false),
      verbs.rotate('b', 'a', changes({}), HOUR, false),
      verbs.rotate('a', 'a', changes({}), HOUR, false),
    ])
    expect(rotations).toEqual(['taken', 'taken', 'taken'])
    expect(await Promise.all(busy)).toEqual([true, true])
    expect(await loadAll(verbs, 'a')).toEqual({ name: 'a' })
    expect(await loadAll(verbs, 'b')).toEqual({ name: 'b' })
  })
})
