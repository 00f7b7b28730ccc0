import assert from 'node:assert/strict'
import { isDisabled } from '../core/errors.ts'
import { newSessionId } from '../core/session-id.ts'
import { assertNothing, assertSameData, loadAll, whereOffered } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'

export const methods: Tests = {
  'answers each method, or says that it is disabled': async ({ storage }) => {
    const id = newSessionId()
    const answers = {
      new: () => storage.new(HOUR),
      get: () => storage.get(id, 'a'),
      data: () => storage.data(id),
      getSize: () => storage.getSize(id),
      set: () => storage.set(id, 'a', 1, HOUR),
      setMap: () => storage.setMap(id, { b: 2 }, HOUR),
      remove: () => storage.remove(id, 'a'),
      removeAll: () => storage.removeAll(id),
      getSession: () => storage.getSession(id, HOUR),
      setSession: () => storage.setSession(id, { a: 1 }, HOUR),
      updateTTL: () => storage.updateTTL(id, HOUR),
    }
    for (const [name, ask] of Object.entries(answers)) {
      const error: unknown = await ask().then(
        () => undefined,
        rejected => rejected,
      )
      assert.ok(error === undefined || isDisabled(error), `${name}: ${String(error)}`)
    }
  },

  'new makes ids that are hard to guess, each once': whereOffered(async ({ storage }) => {
    const ids = new Set<string>()
    for (let count = 0; count < 100; count++) ids.add(await storage.new(HOUR))
    assert.equal(ids.size, 100)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22,128}$/)
  }),

  'setSession stores the session in place of what was there': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.setSession(id, { a: 1, b: 2 }, HOUR)
    await storage.setSession(id, { b: 3, c: 4 }, HOUR)
    assertSameData(await storage.getSession(id, HOUR), { b: 3, c: 4 })
  }),

  'set leaves the other keys alone': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.set(id, 'a', 1, HOUR)
    await storage.set(id, 'b', 2, HOUR)
    await storage.set(id, 'a', 3, HOUR)
    assertSameData(await storage.get(id, 'a'), 3)
    assertSameData(await storage.get(id, 'b'), 2)
  }),

  'setMap leaves the other keys alone': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: 1, b: 2 }, HOUR)
    await storage.setMap(id, { b: 3, c: 4 }, HOUR)
    assertSameData(await storage.data(id), { a: 1, b: 3, c: 4 })
  }),

  'setMap of no keys changes nothing': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: 1 }, HOUR)
    await storage.setMap(id, {}, HOUR)
    assertSameData(await storage.data(id), { a: 1 })
  }),

  'remove leaves the other keys alone': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: 1, b: 2 }, HOUR)
    await storage.remove(id, 'a')
    await storage.remove(id, 'absent')
    assertSameData(await storage.data(id), { b: 2 })
    assertNothing(await storage.get(id, 'a'), 'get')
  }),

  'get finds nothing under an unknown key': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.set(id, 'a', 1, HOUR)
    for (const key of ['b', '__proto__', 'toString']) {
      assert.equal(await storage.get(id, key), undefined, key)
    }
  }),

  'getSize counts the keys, those with null included': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: 1, b: null }, HOUR)
    assert.equal(await storage.getSize(id), 2)
    await storage.remove(id, 'b')
    assert.equal(await storage.getSize(id), 1)
    await storage.remove(id, 'a')
    assert.equal(await storage.getSize(id), 0)
  }),

  'removeAll removes what setSession stored': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.setSession(id, { a: 1 }, HOUR)
    await storage.removeAll(id)
    assertNothing(await storage.getSession(id, HOUR), 'getSession')
    assert.equal(await loadAll(verbs, id), undefined)
  }),

  'removeAll removes what setMap stored': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: 1, b: 2 }, HOUR)
    await storage.removeAll(id)
    assertNothing(await storage.data(id), 'data')
    assert.equal(await loadAll(verbs, id), undefined)
  }),

  'what setSession stored, sessions find': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.setSession(id, { a: [1] }, HOUR)
    assertSameData(await loadAll(verbs, id), { a: [1] })
  }),

  'what setMap stored, sessions find': whereOffered(async ({ storage, verbs }) => {
    const id = newSessionId()
    await storage.setMap(id, { a: [1] }, HOUR)
    assertSameData(await loadAll(verbs, id), { a: [1] })
  }),
}
