import assert from 'node:assert/strict'
import { isError } from '../core/errors.ts'
import { newSessionId } from '../core/session-id.ts'
import { assertSameData, changes, encoded, increment, loadAll, range } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'

export const atomicity: Tests = {
  'merges what was set and removed, and leaves the rest alone': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1, b: { c: 2, d: 3 }, e: 4 }), HOUR)
    assert.equal(await verbs.merge(id, changes({ a: 5, f: 6 }, ['e', 'absent']), HOUR), true)
    assertSameData(await loadAll(verbs, id), { a: 5, b: { c: 2, d: 3 }, f: 6 })
  },

  'merges no changes': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    assert.equal(await verbs.merge(id, changes({}), HOUR), true)
    assertSameData(await loadAll(verbs, id), { a: 1 })
  },

  'replaces a value whole': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ user: { name: 'a', admin: true } }), HOUR)
    await verbs.merge(id, changes({ user: { name: 'b' } }), HOUR)
    assertSameData(await loadAll(verbs, id), { user: { name: 'b' } })
  },

  'updates a key from what is stored after the other changes': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ n: 1 }), HOUR)
    await verbs.merge(id, changes({}, [], increment('n')), HOUR)
    assertSameData(await loadAll(verbs, id), { n: 2 })
    await verbs.merge(id, changes({ n: 10 }, [], increment('n')), HOUR)
    assertSameData(await loadAll(verbs, id), { n: 11 })
    await verbs.merge(id, changes({}, ['n'], increment('n')), HOUR)
    assertSameData(await loadAll(verbs, id), { n: 1 })
    await verbs.merge(id, changes({}, [], increment('new')), HOUR)
    assertSameData(await loadAll(verbs, id), { n: 1, new: 1 })
  },

  'loses no update of fifty at once': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ other: true }), HOUR)
    await Promise.all(
      range(50).map(async () => verbs.merge(id, changes({}, [], increment('n')), HOUR)),
    )
    assertSameData(await loadAll(verbs, id), { other: true, n: 50 })
  },

  'loses no change of fifty different keys at once': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ old: true, other: true }), HOUR)
    const keys = range(50).map(n => `key${n}`)
    await Promise.all([
      ...keys.map(async key => verbs.merge(id, changes({ [key]: key }), HOUR)),
      Promise.resolve(verbs.merge(id, changes({}, ['old']), HOUR)),
    ])
    const expected = Object.fromEntries(keys.map(key => [key, key]))
    assertSameData(await loadAll(verbs, id), { ...expected, other: true })
  },

  'changes nothing when an update fails': async ({ verbs }) => {
    const id = newSessionId()
    const failure = new Error('the update failed')
    const fn = (): string => {
      throw failure
    }
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    const merging = async (): Promise<boolean> =>
      verbs.merge(id, changes({ b: 2 }, ['a'], { key: 'a', fn }), HOUR)
    await assert.rejects(merging, error => isOrWraps(error, failure))
    assertSameData(await loadAll(verbs, id), { a: 1 })
    assert.equal(await verbs.merge(id, changes({ c: 3 }), HOUR), true)
  },

  'loads one key, with or without the others': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1, b: 2 }), HOUR)
    assert.equal((await verbs.load(id, HOUR, 'a'))?.data.get('a'), '1')
    const absent = await verbs.load(id, HOUR, 'absent')
    assert.notEqual(absent, undefined)
    assert.equal(absent?.data.get('absent'), undefined)
  },
}

function isOrWraps(error: unknown, wrapped: Error): boolean {
  for (let current = error; isError(current); current = current.cause) {
    if (current === wrapped) return true
  }
  return false
}
