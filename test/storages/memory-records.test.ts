import { describe, expect, it } from 'vitest'
import { type Changes, type EncodedData, NO_DATA } from '../../src/core/changes.ts'
import { MemoryRecords } from '../../src/storages/memory-records.ts'

/** More than are kept split into their keys. */
const MANY = 12_500

function setting(key: string, text: string): Changes {
  return { set: new Map([[key, text]]), removed: new Set() }
}

describe('the records of StorageMemory', () => {
  it('keep what was written, however many others were used since', () => {
    const records = new MemoryRecords()
    for (let slot = 0; slot < MANY; slot++) records.set(slot, new Map([['slot', `${slot}`]]))
    for (let slot = 0; slot < MANY; slot++) records.merge(slot, setting('once', `${-slot}`))
    for (let slot = 0; slot < MANY; slot++) records.merge(slot, setting('twice', '"x"'))
    const found = Array.from({ length: MANY }, (_, slot) => [...records.data(slot).values()])
    expect(found).toEqual(found.map((_, slot) => [`${slot}`, `${-slot}`, '"x"']))
  })

  it('leave what was handed out as it was', () => {
    const records = new MemoryRecords()
    records.set(0, new Map([['n', '1']]))
    const seen: EncodedData[] = []
    for (let n = 2; n < 5; n++) {
      seen.push(records.data(0))
      records.merge(0, setting('n', `${n}`))
      records.merge(0, { set: NO_DATA, removed: new Set(['m']) })
    }
    expect(seen.map(data => [...data])).toEqual([[['n', '1']], [['n', '2']], [['n', '3']]])
    expect([...records.data(0)]).toEqual([['n', '4']])
  })

  it('stay as they were when an update throws', () => {
    const records = new MemoryRecords()
    records.set(0, new Map([['n', '1']]))
    records.merge(0, setting('n', '2'))
    const fn = (): string => {
      throw new Error('refused')
    }
    const changes = { ...setting('m', '1'), update: { key: 'n', fn } }
    expect(() => records.merge(0, changes)).toThrow('refused')
    expect([...records.data(0)]).toEqual([['n', '2']])
  })

  it('know nothing of the session that had the slot before', () => {
    const records = new MemoryRecords()
    records.set(0, new Map([['user', '"ann"']]))
    records.merge(0, setting('n', '1'))
    records.remove(0)
    records.set(0, new Map([['user', '"bob"']]))
    records.merge(0, setting('n', '2'))
    for (let slot = 1; slot < MANY; slot++) records.data(slot)
    expect(Object.fromEntries(records.data(0))).toEqual({ user: '"bob"', n: '2' })
  })
})
