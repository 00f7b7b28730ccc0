import assert from 'node:assert/strict'
import { newSessionId } from '../core/session-id.ts'
import { assertNothing, changes, encoded, loadAll, whereOffered } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'

export const absence: Tests = {
  'knows nothing of an unknown id': async ({ verbs }) => {
    assert.equal(await verbs.load(newSessionId(), HOUR), undefined)
    assert.equal(await verbs.load(newSessionId(), HOUR, 'key'), undefined)
  },

  'knows nothing of an unknown id when others are there': async ({ verbs }) => {
    await verbs.create(newSessionId(), encoded({ a: 1 }), HOUR)
    assert.equal(await verbs.load(newSessionId(), HOUR), undefined)
  },

  'getSession finds nothing under an unknown id': whereOffered(async ({ storage }) => {
    assertNothing(await storage.getSession(newSessionId(), HOUR), 'getSession')
  }),

  'get finds nothing under an unknown id': whereOffered(async ({ storage }) => {
    assertNothing(await storage.get(newSessionId(), 'key'), 'get')
  }),

  'data finds nothing under an unknown id': whereOffered(async ({ storage }) => {
    assertNothing(await storage.data(newSessionId()), 'data')
  }),

  'getSize counts no keys under an unknown id': whereOffered(async ({ storage }) => {
    assert.equal(await storage.getSize(newSessionId()), 0)
  }),

  'removes an unknown id quietly': async ({ verbs }) => {
    await verbs.destroy(newSessionId())
  },

  'removeAll removes an unknown id quietly': whereOffered(async ({ storage }) => {
    await storage.removeAll(newSessionId())
  }),

  'remove removes a key of an unknown id quietly': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.remove(id, 'key')
    assert.equal(await loadAll(verbs, id), undefined)
  }),

  'begins no session by changing an unknown one': async ({ verbs }) => {
    const id = newSessionId()
    assert.equal(await verbs.merge(id, changes({ a: 1 }), HOUR), false)
    assert.equal(await loadAll(verbs, id), undefined)
  },

  'begins no session by refreshing an unknown one': async ({ verbs, time }) => {
    const id = newSessionId()
    await verbs.refresh(new Map([[id, time.clock()]]), HOUR)
    assert.equal(await loadAll(verbs, id), undefined)
  },

  'updateTTL begins no session under an unknown id': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.updateTTL(id, HOUR)
    assert.equal(await loadAll(verbs, id), undefined)
  }),
}
