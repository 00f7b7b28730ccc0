import assert from 'node:assert/strict'
import { newSessionId } from '../core/session-id.ts'
import { assertSameData, range } from './data.ts'
import type { Tests } from './fixture.ts'
import { beginSession, dataOf } from './requests.ts'
import { watched } from './storage-views.ts'

const GONE = { code: 'ERR_GONE' }

export const sessionLife: Tests = {
  'asks nothing of the storage until a session is used': async ({ storage, openManager }) => {
    const asked: string[] = []
    const manager = openManager({ storage: watched(storage, method => asked.push(method)) })
    const untouched = manager.new(newSessionId())
    await untouched.close()
    const visitor = manager.new()
    await visitor.get('a')
    await visitor.data()
    await visitor.remove('a')
    await visitor.close()
    const writer = manager.new()
    await writer.set('a', 1)
    assert.deepEqual(asked, [])
  },

  'asks for a session once, however often it is read': async ({ storage, openManager }) => {
    const asked: string[] = []
    const manager = openManager({ storage: watched(storage, method => asked.push(method)) })
    const session = manager.new(await beginSession(manager, { a: 1, b: 2 }))
    await session.data()
    asked.length = 0
    await Promise.all([session.get('a'), session.get('b'), session.contains('c'), session.size()])
    await session.close()
    assert.deepEqual(asked, [])
  },

  'adopts no unknown id that a client sent': async ({ openManager }) => {
    const manager = openManager()
    const sent = newSessionId()
    for (const reads of [true, false]) {
      const session = manager.new(sent)
      if (reads) await session.get('a')
      await session.set('a', 1)
      await session.close()
      assert.notEqual(await session.id(), sent)
      assertSameData(await dataOf(manager, await session.id()), { a: 1 })
    }
    assertSameData(await dataOf(manager, sent), {})
  },

  'adopts an id that the application chose': async ({ openManager }) => {
    const manager = openManager()
    const id = newSessionId()
    for (const key of ['a', 'b']) {
      const session = manager.new()
      session.setId(id)
      await session.set(key, 1)
      await session.close()
      assert.equal(await session.id(), id)
    }
    assertSameData(await dataOf(manager, id), { a: 1, b: 1 })
  },

  'begins a chosen session once when many do so at once': async ({ openManager }) => {
    const manager = openManager()
    const id = newSessionId()
    await Promise.all(
      range(10).map(async n => {
        const session = manager.new()
        session.setId(id)
        await session.set(`key${n}`, n)
        await session.close()
      }),
    )
    const expected = Object.fromEntries(range(10).map(n => [`key${n}`, n]))
    assertSameData(await dataOf(manager, id), expected)
  },

  'stays removed, whatever is still in flight': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const [leaving, loaded, unread, updating] = range(4).map(() => manager.new(id))
    assert.ok(leaving && loaded && unread && updating)
    await Promise.all([loaded.data(), updating.data(), loaded.set('b', 2), unread.set('c', 3)])
    await leaving.removeAll()
    await assert.rejects(loaded.close(), GONE)
    await assert.rejects(
      updating.update('n', () => 1),
      GONE,
    )
    await unread.close()
    assert.notEqual(await unread.id(), id)
    assertSameData(await dataOf(manager, id), {})
  },

  'stays removed when removed among changes at once': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const sessions = range(20).map(() => manager.new(id))
    await Promise.all(sessions.map(session => session.data()))
    await Promise.allSettled(
      sessions.map(async (session, n) => {
        if (n === 10) return session.removeAll()
        await session.set(`key${n}`, n)
        return session.close()
      }),
    )
    assertSameData(await dataOf(manager, id), {})
  },

  'begins a new session after it was removed': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const session = manager.new(id)
    await session.removeAll()
    await session.set('b', 2)
    await session.close()
    assert.notEqual(await session.id(), id)
    assertSameData(await dataOf(manager, await session.id()), { b: 2 })
    assertSameData(await dataOf(manager, id), {})
  },

  'moves to a new id with its data': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const [session, other] = [manager.new(id), manager.new(id)]
    await other.data()
    await session.set('user', 'ann')
    const newId = await session.regenerateId()
    assert.notEqual(newId, id)
    assert.equal(await session.id(), newId)
    await session.set('b', 2)
    await session.close()
    assertSameData(await dataOf(manager, newId), { a: 1, user: 'ann', b: 2 })
    assertSameData(await dataOf(manager, id), {})
    await other.set('c', 3)
    await assert.rejects(other.close(), GONE)
    assertSameData(await dataOf(manager, id), {})
  },

  'moves to one new id when two requests move it at once': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const sessions = [manager.new(id), manager.new(id)]
    await Promise.all(sessions.map(session => session.data()))
    const moved = await Promise.allSettled(sessions.map(session => session.regenerateId()))
    assert.equal(moved.filter(({ status }) => status === 'fulfilled').length, 1)
    assertSameData(await dataOf(manager, id), {})
  },

  'leaves the old id usable, if told so': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const session = manager.new(id)
    const newId = await session.regenerateId({ keepOld: true })
    await session.set('b', 2)
    await session.close()
    assertSameData(await dataOf(manager, newId), { a: 1, b: 2 })
    assertSameData(await dataOf(manager, id), { a: 1 })
  },

  'lives on while it is used': async ({ openManager, time }) => {
    const id = await beginSession(openManager({ ttl: time.ttl }), { a: 1 })
    for (let round = 0; round < 4; round++) {
      await time.pass(time.ttl / 2)
      const manager = openManager({ ttl: time.ttl })
      assert.equal(await manager.new(id).get('a'), 1, `round ${round}`)
      // Closing writes the refreshes that wait.
      await manager.close()
    }
  },

  'ends when it was not used for its ttl': async ({ openManager, time }) => {
    const manager = openManager({ ttl: time.ttl })
    const id = await beginSession(manager, { a: 1 })
    const late = manager.new(id)
    await late.data()
    await manager.close()
    await time.pass(time.nearlyAll + time.rest)
    await late.set('b', 2)
    await assert.rejects(late.close(), GONE)
    assertSameData(await dataOf(manager, id), {})
  },
}
