import assert from 'node:assert/strict'
import { isAtomicStorage } from '../core/atomic-storage.ts'
import { newSessionId } from '../core/session-id.ts'
import { assertNothing, assertSameData, changes, encoded, loadAll, whereOffered } from './data.ts'
import type { Fixture, Tests } from './fixture.ts'

const YEAR = 365 * 24 * 3_600_000

export const time: Tests = {
  'keeps a session until its ttl has passed, and no longer': async fixture => {
    const id = await begin(fixture)
    await endsAfterItsTtl(fixture, id)
  },

  'counts the ttl anew from a change': async fixture => {
    const id = await begin(fixture)
    await fixture.time.pass(fixture.time.nearlyAll)
    await fixture.verbs.merge(id, changes({ b: 2 }), fixture.time.ttl)
    await endsAfterItsTtl(fixture, id)
  },

  'counts the ttl anew from a refresh': async fixture => {
    const id = await begin(fixture)
    await fixture.time.pass(fixture.time.nearlyAll)
    await refreshNow(fixture, id)
    await endsAfterItsTtl(fixture, id)
  },

  'counts the ttl anew from updateTTL': whereOffered(async fixture => {
    const id = await begin(fixture)
    await fixture.time.pass(fixture.time.nearlyAll)
    await fixture.storage.updateTTL(id, fixture.time.ttl)
    await endsAfterItsTtl(fixture, id)
  }),

  'counts a refresh from the time that it names': async fixture => {
    const { storage, verbs, time } = fixture
    if (!isAtomicStorage(storage)) return
    const id = await begin(fixture)
    const usedAt = time.clock() + time.ttl / 4
    await time.pass(time.ttl / 2)
    await verbs.refresh(new Map([[id, usedAt]]), time.ttl)
    await time.pass(time.ttl / 2)
    await isThere(fixture, id)
    await time.pass(time.nearlyAll - time.ttl / 4 + time.rest)
    await isGone(fixture, id)
  },

  'never lives shorter for a refresh from an earlier time': async fixture => {
    const { verbs, time } = fixture
    const id = await begin(fixture)
    await verbs.refresh(new Map([[id, time.clock() - time.ttl * 0.9]]), time.ttl)
    await time.pass(time.nearlyAll)
    await isThere(fixture, id)
  },

  'brings no expired session back by a refresh': async fixture => {
    const id = await begin(fixture)
    await fixture.time.pass(fixture.time.nearlyAll + fixture.time.rest)
    await refreshNow(fixture, id)
    await isGone(fixture, id)
  },

  'brings no expired session back by updateTTL': whereOffered(async fixture => {
    const id = await begin(fixture)
    await fixture.time.pass(fixture.time.nearlyAll + fixture.time.rest)
    await fixture.storage.updateTTL(id, fixture.time.ttl)
    await isGone(fixture, id)
  }),

  'brings no expired session back by a change': async fixture => {
    const { verbs, time } = fixture
    const id = await begin(fixture)
    await time.pass(time.nearlyAll + time.rest)
    assert.equal(await verbs.merge(id, changes({ b: 2 }), time.ttl), false)
    await isGone(fixture, id)
  },

  'gives no expired session a new id': async fixture => {
    const { verbs, time } = fixture
    const id = await begin(fixture)
    const newId = newSessionId()
    await time.pass(time.nearlyAll + time.rest)
    assert.equal(await verbs.rotate(id, newId, changes({}), time.ttl, false), 'absent')
    await isGone(fixture, newId)
  },

  'takes the id of an expired session as free': async fixture => {
    const { verbs, time } = fixture
    const id = await begin(fixture)
    await time.pass(time.nearlyAll + time.rest)
    assert.equal(await verbs.create(id, encoded({ b: 2 }), time.ttl), true)
    assertSameData(await loadAll(verbs, id, time.ttl), { b: 2 })
    await endsAfterItsTtl(fixture, id)
  },

  'gives a session with a new id its whole ttl': async fixture => {
    const { verbs, time } = fixture
    const id = await begin(fixture)
    const newId = newSessionId()
    await time.pass(time.nearlyAll)
    await verbs.rotate(id, newId, changes({}), time.ttl, false)
    await endsAfterItsTtl(fixture, newId)
  },

  'getSession finds no expired session': whereOffered(async ({ storage, time }) => {
    const id = newSessionId()
    await storage.setSession(id, { a: 1 }, time.ttl)
    await time.pass(time.nearlyAll)
    assertSameData(await storage.getSession(id, time.ttl), { a: 1 })
    await time.pass(time.rest)
    assertNothing(await storage.getSession(id, time.ttl), 'getSession')
  }),

  'get, data and getSize find no expired session': whereOffered(async ({ storage, time }) => {
    const id = newSessionId()
    await storage.set(id, 'a', 1, time.ttl)
    await time.pass(time.nearlyAll)
    assertSameData(await storage.get(id, 'a'), 1)
    await time.pass(time.rest)
    assertNothing(await storage.get(id, 'a'), 'get')
    assertNothing(await storage.data(id), 'data')
    assertNothing(await storage.getSize(id), 'getSize')
  }),

  'counts the ttl anew from set and setMap': whereOffered(async ({ storage, time }) => {
    const id = newSessionId()
    await storage.set(id, 'a', 1, time.ttl)
    await time.pass(time.nearlyAll)
    await storage.set(id, 'b', 2, time.ttl)
    await time.pass(time.nearlyAll)
    await storage.setMap(id, { c: 3 }, time.ttl)
    await time.pass(time.nearlyAll)
    assertSameData(await storage.data(id), { a: 1, b: 2, c: 3 })
    await time.pass(time.rest)
    assertNothing(await storage.data(id), 'data')
  }),

  'ends a ttl of one millisecond': async ({ verbs, time }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), 1)
    await time.pass(1 + time.rest)
    assert.equal(await loadAll(verbs, id, 1), undefined)
  },

  // A timer of more than 2^31 - 1 milliseconds, 25 days, fires at once.
  'keeps a session whose ttl is a year': async ({ verbs, time }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), YEAR)
    await time.pass(10)
    assertSameData(await loadAll(verbs, id, YEAR), { a: 1 })
  },
}

async function begin({ verbs, time }: Fixture): Promise<string> {
  const id = newSessionId()
  await verbs.create(id, encoded({ a: 1 }), time.ttl)
  return id
}

async function refreshNow({ verbs, time }: Fixture, id: string): Promise<void> {
  await verbs.refresh(new Map([[id, time.clock()]]), time.ttl)
}

/** Checks that a session whose ttl begins now lives as long, and then ends. */
async function endsAfterItsTtl(fixture: Fixture, id: string): Promise<void> {
  await fixture.time.pass(fixture.time.nearlyAll)
  await isThere(fixture, id)
  await fixture.time.pass(fixture.time.rest)
  await isGone(fixture, id)
}

async function isThere({ verbs, time }: Fixture, id: string): Promise<void> {
  const data = await loadAll(verbs, id, time.ttl)
  assert.notEqual(data, undefined, 'the session is gone before its ttl has passed')
}

async function isGone({ verbs, time }: Fixture, id: string): Promise<void> {
  const data = await loadAll(verbs, id, time.ttl)
  assert.equal(data, undefined, 'the session is there after its ttl has passed')
}
