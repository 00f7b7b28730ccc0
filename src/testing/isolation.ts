import assert from 'node:assert/strict'
import { hashSessionId, newSessionId } from '../core/session-id.ts'
import { assertSameData, changes, encoded, loadAll, range } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'
import { beginSession, dataOf } from './requests.ts'

/** Ids of the shortest and the longest shape, and such as a sloppy storage may take for another. */
const IDS = [
  'a',
  'a-',
  '-a',
  '_a',
  'a_',
  '0',
  '00',
  'con',
  'constructor',
  '__proto__',
  'x'.repeat(127),
  'x'.repeat(128),
  `${'x'.repeat(127)}y`,
  `y${'x'.repeat(127)}`,
  hashSessionId('one'),
  newSessionId(),
]

export const isolation: Tests = {
  'keeps sessions with similar ids apart': async ({ verbs }) => {
    for (const id of IDS) await verbs.create(id, encoded({ name: id }), HOUR)
    for (const id of IDS) assertSameData(await loadAll(verbs, id), { name: id })
    for (const id of IDS) await verbs.merge(id, changes({ again: id }), HOUR)
    for (const id of IDS) assertSameData(await loadAll(verbs, id), { name: id, again: id })
  },

  'removes one session and no other': async ({ verbs }) => {
    for (const id of IDS) await verbs.create(id, encoded({ name: id }), HOUR)
    const left = new Set(IDS)
    for (const id of IDS) {
      await verbs.destroy(id)
      left.delete(id)
      assert.equal(await loadAll(verbs, id), undefined)
      for (const other of left) assertSameData(await loadAll(verbs, other), { name: other })
    }
  },

  'keeps keys apart that begin alike': async ({ verbs }) => {
    const id = newSessionId()
    const keys = ['a', 'A', 'aa', 'a ', ' a', 'a\u0301', 'á', 'key', 'key.length']
    const data = Object.fromEntries(keys.map((key, index) => [key, index]))
    await verbs.create(id, encoded(data), HOUR)
    await verbs.merge(id, changes({}, ['a']), HOUR)
    const { a, ...others } = data
    assert.equal(a, 0)
    assertSameData(await loadAll(verbs, id), others)
  },

  'shares nothing with another storage of its kind': async ({ openStorage, openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const other = openManager({ storage: await openStorage() })
    assertSameData(await dataOf(other, id), {})
    const session = other.new()
    session.setId(id)
    await session.set('b', 2)
    await session.close()
    assertSameData(await dataOf(manager, id), { a: 1 })
    assertSameData(await dataOf(other, id), { b: 2 })
  },

  'writes many sessions side by side': async ({ verbs }) => {
    const ids = range(50).map(() => newSessionId())
    await Promise.all(ids.map(async id => verbs.create(id, encoded({ name: id }), HOUR)))
    await Promise.all(ids.map(async id => verbs.merge(id, changes({ again: id }), HOUR)))
    const loaded = await Promise.all(ids.map(id => loadAll(verbs, id)))
    assertSameData(
      loaded,
      ids.map(id => ({ name: id, again: id })),
    )
  },
}
