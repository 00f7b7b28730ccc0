import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EncodedData } from '../../src/core/changes.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { storageContract } from '../../src/testing/index.ts'
import { countTurns } from '../helpers/count-turns.ts'

const HOUR = 3_600_000
const DATA: EncodedData = new Map([['a', '1']])
const NO_CHANGES = { set: new Map(), removed: new Set<string>() }

for (const [name, options] of Object.entries({
  StorageMemory: {},
  'StorageMemory with a limit': { maxSessions: 1_000_000 },
})) {
  storageContract(
    { describe, it },
    { name, open: clock => new StorageMemory({ ...options, clock }) },
  )
}

describe('StorageMemory', () => {
  it('tells how many sessions it keeps', () => {
    const storage = new StorageMemory()
    storage.create('a', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    expect(storage.size).toBe(2)
    storage.destroy('a')
    storage.rotate('b', 'c', NO_CHANGES, HOUR, false)
    expect(storage.size).toBe(1)
    storage.rotate('c', 'd', NO_CHANGES, HOUR, true)
    expect(storage.size).toBe(2)
  })

  it('shows nobody a change that was not stored', async () => {
    const storage = new StorageMemory()
    const data = { user: { roles: ['reader'] } }
    await storage.setSession('a', data, HOUR)
    data.user.roles.push('admin')
    const [first, second] = [await storage.getSession('a', HOUR), storage.load('a')]
    Object.assign(first ?? {}, { user: 'changed' })
    expect(second?.data.get('user')).toBe('{"roles":["reader"]}')
    expect(await storage.getSession('a', HOUR)).toEqual({ user: { roles: ['reader'] } })
    storage.merge('a', { set: new Map([['user', '1']]), removed: new Set() }, HOUR)
    expect(second?.data.get('user')).toBe('{"roles":["reader"]}')
    expect(storage.load('a')?.data.get('user')).toBe('1')
  })

  it('reads what was stored last, however many were read before', () => {
    const storage = new StorageMemory()
    const ids = Array.from({ length: 2500 }, (_, n) => `id${n}`)
    for (const round of ['1', '2', '3']) {
      for (const id of ids) {
        if (round === '2') storage.destroy(id)
        const data = new Map([['id', `"${id}"`]])
        if (!storage.create(id, data, HOUR)) storage.merge(id, NO_CHANGES, HOUR)
        storage.merge(id, { set: new Map([['round', round]]), removed: new Set() }, HOUR)
      }
      for (const id of ids) {
        const expected = new Map([
          ['id', `"${id}"`],
          ['round', round],
        ])
        expect(storage.load(id)?.data).toEqual(expected)
      }
    }
  })

  it('gives other work its turns while it refreshes many sessions', async () => {
    const storage = new StorageMemory()
    const ids = Array.from({ length: 10_000 }, (_, n) => `id${n}`)
    for (const id of ids) storage.create(id, DATA, HOUR)
    const later = Date.now() + HOUR
    const uses = new Map(ids.map(id => [id, later]))
    const turns = await countTurns(() => storage.refresh(uses, HOUR))
    expect(turns).toBeGreaterThan(10)
    expect(ids.map(id => storage.peek(id))).toEqual(ids.map(() => ({ expiresAt: later + HOUR })))
  })

  it('answers at once', () => {
    const storage = new StorageMemory()
    expect(storage.create('a', DATA, HOUR)).toBe(true)
    expect(storage.load('a')?.data).toEqual(DATA)
    expect(storage.merge('a', { set: new Map([['b', '2']]), removed: new Set(['a']) }, HOUR)).toBe(
      true,
    )
    expect(storage.load('a')?.data).toEqual(new Map([['b', '2']]))
  })

  it('refuses options that it does not take', () => {
    const refused = { code: 'ERR_OPTION' }
    for (const maxSessions of [0, -1, Number.NaN]) {
      expect(() => new StorageMemory({ maxSessions })).toThrow(expect.objectContaining(refused))
    }
    const misspelt: object = { maxSession: 10 }
    expect(() => new StorageMemory(misspelt)).toThrow(expect.objectContaining(refused))
  })
})

describe('StorageMemory with a limit', () => {
  const keeps = (storage: StorageMemory, ids: string[]): string[] =>
    ids.filter(id => storage.load(id) !== undefined)

  it('evicts the session that was not used for the longest time', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    storage.create('a', DATA, HOUR)
    storage.create('b', DATA, HOUR)
    storage.create('c', DATA, HOUR)
    expect(storage.size).toBe(2)
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['b', 'c'])
  })

  it('takes reading and changing for use', () => {
    const storage = new StorageMemory({ maxSessions: 3 })
    for (const id of ['a', 'b', 'c']) storage.create(id, DATA, HOUR)
    storage.load('a')
    storage.merge('b', NO_CHANGES, HOUR)
    storage.create('d', DATA, HOUR)
    expect(keeps(storage, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'd'])
  })

  it('takes neither a refresh nor a failed attempt for use', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    for (const id of ['a', 'b']) storage.create(id, DATA, HOUR)
    void storage.refresh(new Map([['a', Date.now()]]), HOUR)
    storage.create('a', DATA, HOUR)
    storage.create('c', DATA, HOUR)
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['b', 'c'])
  })

  it('moves a session to a new id without evicting another', () => {
    const storage = new StorageMemory({ maxSessions: 2 })
    for (const id of ['a', 'b']) storage.create(id, DATA, HOUR)
    expect(storage.rotate('b', 'c', NO_CHANGES, HOUR, false)).toBe('rotated')
    expect(keeps(storage, ['a', 'b', 'c'])).toEqual(['a', 'c'])
  })

  it('keeps its limit when a session is left under the old id too', () => {
    const storage = new StorageMemory({ maxSessions: 1 })
    storage.create('a', DATA, HOUR)
    expect(storage.rotate('a', 'b', NO_CHANGES, HOUR, true)).toBe('rotated')
    expect(keeps(storage, ['a', 'b'])).toEqual(['b'])
  })

  it('evicts in the exact order of use', () => {
    const id = fc.integer({ min: 0, max: 40 }).map(n => `id${n}`)
    const step = fc.tuple(fc.constantFrom('create', 'load', 'merge', 'destroy'), id)
    const program = fc.array(step, { maxLength: 300, size: 'max' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), program, (maxSessions, steps) => {
        const storage = new StorageMemory({ maxSessions })
        let model: string[] = []
        for (const [verb, id] of steps) {
          const isKept = model.includes(id)
          if (verb === 'create') expect(storage.create(id, DATA, HOUR)).toBe(!isKept)
          else if (verb === 'load') expect(storage.load(id) !== undefined).toBe(isKept)
          else if (verb === 'merge') expect(storage.merge(id, NO_CHANGES, HOUR)).toBe(isKept)
          else storage.destroy(id)
          const isUsed = verb === 'create' ? !isKept : verb !== 'destroy' && isKept
          if (verb === 'destroy' || isUsed) model = model.filter(other => other !== id)
          if (isUsed) model.push(id)
          model = model.slice(-maxSessions)
          expect(storage.size).toBe(model.length)
        }
        for (const id of model) expect(storage.load(id)).toBeDefined()
      }),
      { numRuns: 200 },
    )
  })
})
