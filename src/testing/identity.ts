import assert from 'node:assert/strict'
import { newSessionId } from '../core/session-id.ts'
import { assertSameData, changes, encoded, increment, loadAll, range } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'

export const identity: Tests = {
  'begins no session over one that is there': async ({ verbs }) => {
    const id = newSessionId()
    assert.equal(await verbs.create(id, encoded({ a: 1 }), HOUR), true)
    assert.equal(await verbs.create(id, encoded({ b: 2 }), HOUR), false)
    assertSameData(await loadAll(verbs, id), { a: 1 })
  },

  'begins one session when many try at once': async ({ verbs }) => {
    const id = newSessionId()
    const begun = await Promise.all(
      range(20).map(async n => verbs.create(id, encoded({ winner: n }), HOUR)),
    )
    assert.equal(begun.filter(Boolean).length, 1)
    assertSameData(await loadAll(verbs, id), { winner: begun.indexOf(true) })
  },

  'moves a session and its changes to a new id': async ({ verbs }) => {
    const [id, newId] = [newSessionId(), newSessionId()]
    await verbs.create(id, encoded({ a: 1, b: 2, n: 1 }), HOUR)
    const update = increment('n')
    const rotation = await verbs.rotate(id, newId, changes({ c: 3 }, ['b'], update), HOUR, false)
    assert.equal(rotation, 'rotated')
    assertSameData(await loadAll(verbs, newId), { a: 1, c: 3, n: 2 })
    assert.equal(await loadAll(verbs, id), undefined)
  },

  'leaves the session under the old id too, if told so': async ({ verbs }) => {
    const [id, newId] = [newSessionId(), newSessionId()]
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    assert.equal(await verbs.rotate(id, newId, changes({ b: 2 }), HOUR, true), 'rotated')
    assertSameData(await loadAll(verbs, id), { a: 1 })
    assertSameData(await loadAll(verbs, newId), { a: 1, b: 2 })
    await verbs.merge(newId, changes({ c: 3 }), HOUR)
    assertSameData(await loadAll(verbs, id), { a: 1 })
  },

  'gives an absent session no new id': async ({ verbs }) => {
    const newId = newSessionId()
    const rotation = await verbs.rotate(newSessionId(), newId, changes({ a: 1 }), HOUR, false)
    assert.equal(rotation, 'absent')
    assert.equal(await loadAll(verbs, newId), undefined)
  },

  'gives a session no new id that is taken': async ({ verbs }) => {
    const [id, taken] = [newSessionId(), newSessionId()]
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    await verbs.create(taken, encoded({ b: 2 }), HOUR)
    assert.equal(await verbs.rotate(id, taken, changes({ c: 3 }), HOUR, false), 'taken')
    assertSameData(await loadAll(verbs, id), { a: 1 })
    assertSameData(await loadAll(verbs, taken), { b: 2 })
  },

  'gives a session one new id when many try at once': async ({ verbs }) => {
    const id = newSessionId()
    const newIds = range(10).map(() => newSessionId())
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    const rotations = await Promise.all(
      newIds.map(async newId => verbs.rotate(id, newId, changes({}), HOUR, false)),
    )
    assert.equal(rotations.filter(rotation => rotation === 'rotated').length, 1)
    assert.equal(rotations.filter(rotation => rotation === 'absent').length, 9)
    const loaded = await Promise.all(newIds.map(newId => loadAll(verbs, newId)))
    assert.equal(loaded.filter(data => data !== undefined).length, 1)
  },

  'brings no removed session back by a change': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    await verbs.destroy(id)
    assert.equal(await verbs.merge(id, changes({ b: 2 }, [], increment('n')), HOUR), false)
    assert.equal(await loadAll(verbs, id), undefined)
  },

  'brings no removed session back by a refresh': async ({ verbs, time }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    await verbs.destroy(id)
    await verbs.refresh(new Map([[id, time.clock()]]), HOUR)
    assert.equal(await loadAll(verbs, id), undefined)
  },

  'keeps a session removed that is changed and refreshed meanwhile': async ({ verbs, time }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    const work = range(10).flatMap(n => [
      async () => verbs.merge(id, changes({ [`key${n}`]: n }), HOUR),
      async () => verbs.refresh(new Map([[id, time.clock()]]), HOUR),
    ])
    await Promise.all([...work, async () => verbs.destroy(id), ...work].map(step => step()))
    assert.equal(await loadAll(verbs, id), undefined)
  },
}
