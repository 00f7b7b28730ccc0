import { Manager, type Session, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { eventually } from '../helpers/eventually.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'

allowNoUnhandledRejections()

const BAD = Symbol('bad') as unknown

/** Every method of a session, called so that it is refused or, when the storage is down, fails. */
const CALLS: Readonly<Record<string, (session: Session) => unknown>> = {
  get: session => session.get('__gsession'),
  var: session => session.var('__gsession'),
  contains: session => session.contains('__gsession'),
  data: session => session.data(),
  size: session => session.size(),
  id: session => session.id(),
  set: session => session.set('a', BAD),
  setMap: session => session.setMap({ a: BAD }),
  remove: session => session.remove('__gsession'),
  update: session => session.update('a', () => BAD),
  removeAll: session => session.removeAll(),
  regenerateId: session => session.regenerateId(),
}

/** A session of a manager whose storage is down. */
async function withoutStorage() {
  const { storage, failWith, recover } = failOnDemand()
  const reported: unknown[] = []
  const manager = new Manager({ storage, onBackgroundError: error => reported.push(error) })
  const id = await begin(manager, { a: 1 })
  failWith(new Error('down'))
  return { manager, session: manager.new(id), reported, recover }
}

describe('a call that nobody waits for', () => {
  it.each(Object.entries(CALLS))('ends no process when it fails: %s', async (_, call) => {
    const { session } = await withoutStorage()
    void call(session)
    await new Promise(resolve => setImmediate(resolve))
  })

  it.each([
    ['set', 'ERR_VALUE'],
    ['setMap', 'ERR_VALUE'],
    ['remove', 'ERR_KEY'],
    ['update', 'ERR_VALUE'],
  ])('is told of by `close`, which stores the rest: %s', async (name, code) => {
    const manager = new Manager({ storage: new StorageMemory() })
    const session = manager.new(await begin(manager, { first: 1 }))
    void session.set('before', 1)
    void CALLS[name]?.(session)
    void session.set('after', 1)
    expect(await codeOf(session.close())).toBe(code)
    const data = { first: 1, before: 1, after: 1 }
    expect(await manager.new(await session.id()).data()).toEqual(data)
    expect(await codeOf(session.close())).toBeUndefined()
  })

  it.each(['update', 'removeAll', 'regenerateId'])(
    'goes to `onBackgroundError` when nobody closes the session: %s',
    async name => {
      const { session, reported } = await withoutStorage()
      void CALLS[name]?.(session)
      await eventually(() => expect(reported).toHaveLength(1))
      expect(reported).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    },
  )

  it.each<[string, (promise: Promise<unknown>) => unknown]>([
    ['then', promise => promise.then(() => undefined)],
    ['finally', promise => promise.finally(() => undefined)],
    ['then, twice', promise => promise.then(() => undefined).then(() => undefined)],
  ])('is still one that nobody hears of after `%s` alone', async (_, derive) => {
    const { session, reported } = await withoutStorage()
    void derive(session.update('a', () => 1))
    expect(await codeOf(session.close())).toBe('ERR_STORAGE')
    expect(reported).toEqual([])
  })

  it('leaves a failure of the application its own', async () => {
    const session = new Manager({ storage: new StorageMemory() }).new()
    const derived = session.update('a', () => 1).then(() => Promise.reject(new Error('mine')))
    await expect(derived).rejects.toThrow('mine')
    expect(await codeOf(session.close())).toBeUndefined()
  })

  it('is told of once, by `close` or in the background', async () => {
    const { session, reported } = await withoutStorage()
    void session.removeAll()
    expect(await codeOf(session.close())).toBe('ERR_STORAGE')
    await new Promise(resolve => setImmediate(resolve))
    await new Promise(resolve => setImmediate(resolve))
    expect(reported).toEqual([])
  })

  it('may be a `close`: what it could not store is stored by the next one', async () => {
    const { manager, session, reported, recover } = await withoutStorage()
    void session.set('b', 2)
    void session.close()
    await eventually(() => expect(reported).toHaveLength(1))
    recover()
    await session.close()
    expect(await manager.new(await session.id()).data()).toEqual({ a: 1, b: 2 })
  })
})

describe('a failure that somebody has heard of', () => {
  it.each(Object.entries(CALLS))('is not told again: %s', async (_, call) => {
    const { session, reported, recover } = await withoutStorage()
    await Promise.resolve(call(session)).catch(() => undefined)
    recover()
    expect(await codeOf(session.close())).toBeUndefined()
    await new Promise(resolve => setImmediate(resolve))
    expect(reported).toEqual([])
  })

  it.each<[string, (promise: Promise<unknown>) => Promise<unknown>]>([
    ['await', async promise => await promise],
    ['then', promise => promise.then(() => undefined)],
    ['catch', promise => promise.catch(error => Promise.reject(error))],
    ['finally', promise => promise.finally(() => undefined)],
    ['all', promise => Promise.all([promise])],
    ['allSettled', promise => Promise.allSettled([promise])],
    ['race', promise => Promise.race([promise])],
    ['any', promise => Promise.any([promise])],
    ['resolve', promise => Promise.resolve(promise)],
  ])('was heard of by `%s`', async (_, hear) => {
    const { session, reported, recover } = await withoutStorage()
    await hear(session.update('a', () => 1)).catch(() => undefined)
    recover()
    expect(await codeOf(session.close())).toBeUndefined()
    await new Promise(resolve => setImmediate(resolve))
    expect(reported).toEqual([])
  })

  it('may be waited for later in the same turn', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const session = manager.new()
    const refused = session.set('a', BAD)
    const closed = session.close()
    expect(await codeOf(refused)).toBe('ERR_VALUE')
    expect(await codeOf(closed)).toBeUndefined()
  })
})
