import fc from 'fast-check'
import { Manager, type Session, type StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin, codeOf, holdVerb, loaded } from '../helpers/core-sessions.ts'
import { failOnDemand, interceptStorage } from '../helpers/http-storage.ts'
import { inLong } from '../helpers/long.ts'

/** One call on a session, and what it makes of plain data once it is known to have succeeded. */
interface Call {
  readonly make: (session: Session) => Promise<unknown>
  readonly apply: (data: Map<string, unknown>) => void
  /** Whether it does nothing when it fails; recorded changes stay recorded. */
  readonly mayBeLost?: boolean
}

const key = fc.constantFrom('a', 'b')
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(key, fc.nat(9)).map(
    ([name, value]): Call => ({
      make: session => session.set(name, value),
      apply: data => void data.set(name, value),
    }),
  ),
  key.map(
    (name): Call => ({
      make: session => session.remove(name),
      apply: data => void data.delete(name),
    }),
  ),
  key.map(
    (name): Call => ({
      make: session => session.update(name, n => Number(n ?? 0) + 10),
      apply: data => void data.set(name, Number(data.get(name) ?? 0) + 10),
      mayBeLost: true,
    }),
  ),
  fc.constant<Call>({ make: session => session.removeAll(), apply: data => data.clear() }),
  fc.constant<Call>({ make: session => session.close(), apply: () => undefined }),
  fc.constant<Call>({ make: session => session.data(), apply: () => undefined }),
)

/** A storage that takes a turn for each verb, and fails to write when its list of failures says so. */
function unreliable(failures: readonly boolean[]): StorageMemory {
  let writes = 0
  return interceptStorage(async (verb, proceed) => {
    await Promise.resolve()
    const isWrite = verb === 'merge' || verb === 'create'
    if (isWrite && failures[writes++] === true) throw new Error('not now')
    return proceed()
  })
}

describe('changes apply in the order of the calls', () => {
  it('awaited or not, whichever writes fail and are tried again', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 12 }),
        fc.array(fc.boolean(), { maxLength: 6 }),
        fc.boolean(),
        async (calls, failures, awaits) => {
          const storage = unreliable([false, ...failures])
          const manager = new Manager({ storage })
          const session = manager.new(await begin(manager, { a: 1, b: 1 }))
          const results = new Map<Call, Promise<string | undefined>>()
          for (const one of calls) {
            const result = codeOf(one.make(session))
            results.set({ ...one }, result)
            if (awaits) await result
          }
          const model = new Map<string, unknown>(Object.entries({ a: 1, b: 1 }))
          for (const [one, result] of results) {
            const isLost = (await result) !== undefined && one.mayBeLost === true
            if (!isLost) one.apply(model)
          }
          while ((await codeOf(session.close())) !== undefined);
          expect(session.isDirty).toBe(false)
          expect(await manager.new(await session.id()).data()).toEqual(Object.fromEntries(model))
        },
      ),
      { numRuns: inLong(2000, 500) },
    ))

  it('and close stores what a failed update before it leaves behind', async () => {
    const { storage, failWith } = failOnDemand()
    const manager = new Manager({ storage })
    const id = await begin(manager, { a: 1 })
    const session = await loaded(manager, id)
    await session.set('a', 2)
    failWith(new Error('not now'), 'merge')
    const updated = codeOf(session.update('n', () => 1))
    failWith(new Error('not now'), 'rotate')
    const closed = session.close()
    expect(await updated).toBe('ERR_STORAGE')
    await closed
    expect(await manager.new(id).data()).toEqual({ a: 2 })
  })

  it('and an older change that could not be stored never overwrites a newer one', async () => {
    const { storage, failWith } = failOnDemand()
    const manager = new Manager({ storage })
    const id = await begin(manager, { a: 0 })
    const session = await loaded(manager, id)
    await session.set('a', 1)
    failWith(new Error('not now'), 'merge')
    const first = codeOf(session.close())
    void session.set('a', 2)
    const second = codeOf(session.close())
    failWith(new Error('not now'), 'rotate')
    expect([await first, await second]).toEqual(['ERR_STORAGE', undefined])
    await session.close()
    expect(await manager.new(id).data()).toEqual({ a: 2 })
  })

  it('and those from before removeAll never come back after it', async () => {
    const { storage, failWith } = failOnDemand()
    const manager = new Manager({ storage })
    const session = manager.new(await begin(manager, { a: 0 }))
    await session.set('a', 1)
    failWith(new Error('not now'), 'merge')
    const closed = codeOf(session.close())
    const removed = session.removeAll()
    void session.set('b', 2)
    expect(await closed).toBe('ERR_STORAGE')
    await removed
    await session.close()
    expect(await manager.new(await session.id()).data()).toEqual({ b: 2 })
  })
})

describe('a session whose storage takes its time', () => {
  it('answers reads that came during a write with what was written', async () => {
    const { storage, hold } = holdVerb('merge')
    const manager = new Manager({ storage })
    const session = await loaded(manager, await begin(manager, { a: 1 }))
    const gate = hold()
    await session.set('a', 2)
    const closed = session.close()
    const read = session.get('a')
    gate.open()
    expect(await read).toBe(2)
    await closed
  })

  it('takes changes during a write, and stores them by the next close', async () => {
    const { storage, hold } = holdVerb('merge')
    const manager = new Manager({ storage })
    const session = await loaded(manager, await begin(manager, { a: 1 }))
    const gate = hold()
    await session.set('a', 2)
    const closed = session.close()
    await session.set('b', 2)
    expect(session.isDirty).toBe(true)
    gate.open()
    await closed
    expect(await manager.new(await session.id()).data()).toEqual({ a: 2 })
    await session.close()
    expect(await manager.new(await session.id()).data()).toEqual({ a: 2, b: 2 })
  })

  it('is closed only when what is under way has ended', async () => {
    const { storage, hold } = holdVerb('merge')
    const manager = new Manager({ storage })
    const session = await loaded(manager, await begin(manager, { a: 1 }))
    const gate = hold()
    const ended: string[] = []
    const updated = session.update('a', () => 2).then(() => ended.push('update'))
    const closed = session.close().then(() => ended.push('close'))
    gate.open()
    await Promise.all([updated, closed])
    expect(ended).toEqual(['update', 'close'])
  })

  it('fails both of two reads that share a load, and loads again for the next', async () => {
    let loads = 0
    const storage = interceptStorage(async (verb, proceed) => {
      if (verb === 'load' && ++loads === 1) throw new Error('not now')
      return proceed()
    })
    const manager = new Manager({ storage })
    const session = manager.new(await begin(manager, { a: 1 }))
    const reads = [codeOf(session.get('a')), codeOf(session.data())]
    expect(await Promise.all(reads)).toEqual(['ERR_STORAGE', 'ERR_STORAGE'])
    expect(await session.get('a')).toBe(1)
    expect(loads).toBe(2)
  })
})

it('removeAll that fails may be called again', async () => {
  const { storage, failWith } = failOnDemand()
  const manager = new Manager({ storage })
  const id = await begin(manager, { a: 1 })
  const session = await loaded(manager, id)
  failWith(new Error('not now'), 'destroy')
  expect(await codeOf(session.removeAll())).toBe('ERR_STORAGE')
  failWith(new Error('not now'), 'rotate')
  await session.removeAll()
  expect(await manager.new(id).data()).toEqual({})
})

it('regenerateId that fails keeps the old id and the changes', async () => {
  const { storage, failWith } = failOnDemand()
  const manager = new Manager({ storage })
  const id = await begin(manager, { a: 1 })
  const session = await loaded(manager, id)
  await session.set('b', 2)
  failWith(new Error('not now'), 'rotate')
  expect(await codeOf(session.regenerateId())).toBe('ERR_STORAGE')
  expect(session.isDirty).toBe(true)
  failWith(new Error('not now'), 'refresh')
  expect(await session.id()).toBe(id)
  const newId = await session.regenerateId()
  expect(await manager.new(newId).data()).toEqual({ a: 1, b: 2 })
  expect(await manager.new(id).data()).toEqual({})
})
