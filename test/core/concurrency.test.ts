import fc from 'fast-check'
import { Manager, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'

type Data = Record<string, number | string>

/** A manager whose storage takes a turn of the event loop for each verb, when the scheduler says so. */
function scheduled(scheduler: fc.Scheduler): Manager<Data> {
  const storage = new StorageMemory()
  const slow = new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      const call = member.bind(target)
      if (!['create', 'load', 'merge', 'rotate', 'destroy'].includes(String(name))) return call
      return (...args: unknown[]) =>
        scheduler.schedule(Promise.resolve(), String(name)).then(() => call(...args))
    },
  })
  return new Manager<Data>({ storage: slow })
}

async function begin(manager: Manager<Data>, scheduler: fc.Scheduler): Promise<string> {
  const session = manager.new()
  await session.set('start', 0)
  await scheduler.waitFor(session.close())
  return session.id()
}

/** Every order in which the storage may answer that the scheduler comes upon. */
function inAnyOrder(work: (scheduler: fc.Scheduler) => Promise<void>): Promise<void> {
  return fc.assert(fc.asyncProperty(fc.scheduler(), work), { numRuns: 200 })
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    error => error.code,
  )

describe('requests on one session, in any order of answers', () => {
  it('keep what each of them set', () =>
    inAnyOrder(async scheduler => {
      const manager = scheduled(scheduler)
      const id = await begin(manager, scheduler)
      const requests = ['a', 'b', 'c'].map(async key => {
        const session = manager.new(id)
        await session.get('start')
        await session.set(key, key)
        await session.close()
      })
      await scheduler.waitFor(Promise.all(requests))
      expect(await scheduler.waitFor(manager.new(id).data())).toEqual({
        start: 0,
        a: 'a',
        b: 'b',
        c: 'c',
      })
    }))

  it('lose no update', () =>
    inAnyOrder(async scheduler => {
      const manager = scheduled(scheduler)
      const id = await begin(manager, scheduler)
      const add = (): Promise<unknown> =>
        manager.new(id).update('start', start => Number(start) + 1)
      await scheduler.waitFor(Promise.all([add(), add(), add(), add()]))
      expect(await scheduler.waitFor(manager.new(id).get('start'))).toBe(4)
    }))

  it('never bring a removed session back', () =>
    inAnyOrder(async scheduler => {
      const manager = scheduled(scheduler)
      const id = await begin(manager, scheduler)
      const writer = manager.new(id)
      const loaded = writer.get('start')
      await scheduler.waitFor(loaded)
      const write = writer.set('late', 1).then(() => codeOf(writer.close()))
      const logout = manager.new(id).removeAll()
      const [written] = await scheduler.waitFor(Promise.all([write, logout]))
      expect(['ok', 'ERR_GONE']).toContain(written)
      expect(await scheduler.waitFor(manager.new(id).data())).toEqual({})
    }))

  it('on an id that was regenerated, neither revive it nor see what came later', () =>
    inAnyOrder(async scheduler => {
      const manager = scheduled(scheduler)
      const id = await begin(manager, scheduler)
      const old = manager.new(id)
      await scheduler.waitFor(old.get('start'))
      const login = manager.new(id)
      const newId = await scheduler.waitFor(login.regenerateId())
      const logIn = login.set('user', 'alice').then(() => login.close())
      const write = old.set('late', 1).then(() => codeOf(old.close()))
      const [written] = await scheduler.waitFor(Promise.all([write, logIn]))
      expect(written).toBe('ERR_GONE')
      expect(await scheduler.waitFor(old.get('user'))).toBeUndefined()
      expect(await scheduler.waitFor(manager.new(id).data())).toEqual({})
      expect(await scheduler.waitFor(manager.new(newId).data())).toEqual({
        start: 0,
        user: 'alice',
      })
    }))
})

describe('two requests on a session', () => {
  it('that was removed: the one that changed nothing hears nothing of it', async () => {
    const manager = new Manager<Data>({ storage: new StorageMemory() })
    const first = manager.new()
    await first.set('a', 1)
    await first.close()
    const id = await first.id()
    const reader = manager.new(id)
    const writer = manager.new(id)
    await Promise.all([reader.get('a'), writer.get('a')])
    await manager.new(id).removeAll()
    await reader.close()
    await writer.set('a', 2)
    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_GONE' })
  })
})
