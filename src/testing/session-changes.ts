import assert from 'node:assert/strict'
import { assertSameData, range } from './data.ts'
import type { Tests } from './fixture.ts'
import { beginSession, dataOf } from './requests.ts'

export const sessionChanges: Tests = {
  'keeps what was set for the next request': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1, list: [1, 2] })
    const session = manager.new(id)
    assert.equal(await session.get('a'), 1)
    assertSameData(await session.get('list'), [1, 2])
    assert.equal(await session.size(), 2)
    assert.equal(await session.contains('absent'), false)
  },

  'applies changes in the order of the calls': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1, b: 1, d: 0 })
    const session = manager.new(id)
    await Promise.all([
      session.set('a', 2),
      session.remove('a'),
      session.set('a', 3),
      session.set('c', 1),
      session.remove('c', 'b'),
      session.update('n', () => 1),
      session.set('n', 2),
      session.remove('d'),
      session.update('d', (d = 1) => d),
    ])
    await session.close()
    assertSameData(await dataOf(manager, id), { a: 3, n: 2, d: 1 })
  },

  'loses no change of different keys by requests side by side': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { old: true, other: true })
    const sessions = range(20).map(() => manager.new(id))
    await Promise.all(sessions.map(session => session.data()))
    await Promise.all(
      sessions.map(async (session, n) => {
        if (n === 0) await session.remove('old')
        await session.set(`key${n}`, n)
        await session.close()
      }),
    )
    const expected = Object.fromEntries(range(20).map(n => [`key${n}`, n]))
    assertSameData(await dataOf(manager, id), { ...expected, other: true })
  },

  'keeps a key removed that another request has loaded': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1, b: 1 })
    const [first, second] = [manager.new(id), manager.new(id)]
    await Promise.all([first.data(), second.data()])
    await first.remove('a')
    await first.close()
    await second.set('b', 2)
    await second.close()
    assertSameData(await dataOf(manager, id), { b: 2 })
  },

  'lets the last of two writes of one key win': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    const [first, second] = [manager.new(id), manager.new(id)]
    await Promise.all([first.set('a', 'first'), second.set('a', 'second')])
    await second.close()
    await first.close()
    assertSameData(await dataOf(manager, id), { a: 'first' })
  },

  'shows a request no change of another that is not stored': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { a: 1 })
    await manager.new(id).set('a', 2)
    assertSameData(await dataOf(manager, id), { a: 1 })
  },

  'stores no change before close': async ({ openManager }) => {
    const manager = openManager()
    const session = manager.new()
    await session.set('a', 1)
    assertSameData(await dataOf(manager, await session.id()), {})
    await session.close()
    assertSameData(await dataOf(manager, await session.id()), { a: 1 })
  },

  'updates exactly when fifty requests do at once': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { other: true })
    const results = await Promise.all(
      range(50).map(() => manager.new(id).update('n', (n = 0) => Number(n) + 1)),
    )
    assert.equal(new Set(results).size, 50)
    assertSameData(await dataOf(manager, id), { other: true, n: 50 })
  },

  'stores an update at once, with the changes before it': async ({ openManager }) => {
    const manager = openManager()
    const session = manager.new()
    await session.setMap({ n: 5, a: 1 })
    assert.equal(await session.update('n', n => Number(n) + 1), 6)
    const id = await session.id()
    assertSameData(await dataOf(manager, id), { n: 6, a: 1 })
    await session.update('list', () => [1])
    await session.update('list', list => [...(Array.isArray(list) ? list : []), 2])
    assertSameData(await dataOf(manager, id), { n: 6, a: 1, list: [1, 2] })
  },

  'stores nothing of an update that fails': async ({ openManager }) => {
    const manager = openManager()
    const id = await beginSession(manager, { n: 1 })
    const session = manager.new(id)
    const failing = session.update('n', () => {
      throw new Error('the update failed')
    })
    await assert.rejects(failing, { message: /the update failed/ })
    await session.set('a', 1)
    await session.close()
    assertSameData(await dataOf(manager, id), { n: 1, a: 1 })
  },

  'can be used on after its last key was removed': async ({ openManager }) => {
    const manager = openManager()
    const first = manager.new(await beginSession(manager, { a: 1 }))
    await first.remove('a')
    await first.close()
    assert.equal(await first.size(), 0)
    const second = manager.new(await first.id())
    assertSameData(await second.data(), {})
    await second.set('b', 2)
    await second.close()
    assertSameData(await dataOf(manager, await second.id()), { b: 2 })
  },
}
