import { setImmediate as travel } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { type CallOptions, Manager, type SessionData, type Storage, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { KeyStorage, WholeStorage } from '../storages/custom-storages.ts'

/** Short, since the calls under test never end by themselves. */
const TIMEOUT = 20
const VERBS = ['create', 'load', 'merge', 'rotate', 'refresh', 'destroy'] as const
const METHODS = [
  'new',
  'get',
  'data',
  'set',
  'setMap',
  'remove',
  'removeAll',
  'getSession',
  'setSession',
  'updateTTL',
] as const

type Name = (typeof VERBS)[number] | (typeof METHODS)[number]
type Call = (...args: unknown[]) => unknown

/** Replaces what a storage answers to a call of this name. */
function replace<Kind extends Storage>(
  storage: Kind,
  name: Name,
  replacement: (real: Call) => Call,
) {
  const methods = storage as unknown as Record<Name, Call>
  const real = methods[name]
  methods[name] = replacement((...args) => Reflect.apply(real, storage, args))
  return storage
}

const KINDS: Record<string, { open: () => Storage; names: readonly Name[] }> = {
  'the six verbs': { open: () => new StorageMemory(), names: VERBS },
  'whole sessions': {
    open: () => new WholeStorage(Date.now),
    names: ['getSession', 'setSession', 'removeAll', 'updateTTL'],
  },
  keys: {
    open: () => new KeyStorage(Date.now),
    names: ['get', 'data', 'setMap', 'remove', 'removeAll', 'updateTTL'],
  },
}
const CALLS = Object.entries(KINDS).flatMap(([kind, { open, names }]) =>
  names.map(name => ({ kind, open, name })),
)

/** Does all that a session can do, each in a session of its own, and answers what became of each. */
async function useAll(manager: Manager): Promise<PromiseSettledResult<unknown>[]> {
  const uses = [
    async () => manager.new().update('a', () => 1),
    async () => {
      const session = await stored(manager)
      return session.get('a')
    },
    async () => {
      const session = await stored(manager)
      await session.remove('a')
      await session.close()
    },
    async () => (await stored(manager)).regenerateId(),
    async () => (await stored(manager)).removeAll(),
    async () => {
      const session = await stored(manager)
      await session.data()
      await manager.flush()
    },
  ]
  return Promise.allSettled(uses.map(use => use()))
}

async function stored(manager: Manager) {
  const session = manager.new()
  await session.setMap({ a: 1, b: 2 })
  await session.close()
  return manager.new(await session.id())
}

describe('a storage that never answers', () => {
  it.each(CALLS)('is a storage that failed: $name, of $kind', async ({ open, name }) => {
    const signals: AbortSignal[] = []
    const storage = replace(open(), name, () => (...args) => {
      signals.push((args.at(-1) as CallOptions).signal)
      return new Promise(() => undefined)
    })
    // Ahead of the storage's clock: a session that was stored just now needs no refresh.
    let now = Date.now() + 60_000
    const manager = new Manager({ storage, timeout: TIMEOUT, clock: () => now++ })
    const results = await useAll(manager)
    const reasons = results.flatMap(one => (one.status === 'rejected' ? [one.reason] : []))
    expect(reasons.length).toBeGreaterThan(0)
    for (const reason of reasons) {
      expect(reason).toMatchObject({
        code: 'ERR_STORAGE',
        status: 503,
        message: `The session storage failed: it was not done within ${TIMEOUT} ms`,
      })
    }
    expect(signals.map(signal => signal.aborted)).toEqual(signals.map(() => true))
  })

  it('lets the steps go on that wait behind it', async () => {
    let hangs = true
    const storage = replace(
      new WholeStorage(Date.now),
      'setSession',
      real =>
        (...args) =>
          hangs ? new Promise(() => undefined) : real(...args),
    )
    const manager = new Manager({ storage, timeout: TIMEOUT })
    const session = manager.new()
    const id = await session.id()
    const open = () => {
      const one = manager.new()
      one.setId(id)
      return one
    }
    await expect(open().update('a', () => 1)).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    hangs = false
    await eventually(() => open().update('a', () => 2))
    expect(await manager.new(id).get('a')).toBe(2)
  })

  it('makes no ids, and cannot be closed', async () => {
    const storage = replace(new StorageMemory(), 'new', () => () => new Promise(() => undefined))
    storage.close = () => new Promise(() => undefined)
    const manager = new Manager({ storage, timeout: TIMEOUT })
    await expect(manager.new().update('a', () => 1)).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    await expect(manager.close()).rejects.toMatchObject({ code: 'ERR_STORAGE' })
  })

  it('has each refresh of a custom storage be in time, not all together', async () => {
    const limit = 1_000
    const storage = replace(new WholeStorage(Date.now), 'updateTTL', real => async (...args) => {
      await pass(0.4 * limit)
      return real(...args)
    })
    const manager = new Manager({ storage, timeout: limit })
    const sessions = await Promise.all(Array.from({ length: 4 }, () => stored(manager)))
    for (const session of sessions) await session.data()
    await manager.flush()
  })

  it('may take any time without a limit', async () => {
    const asked = makeGate()
    const answered = makeGate()
    const storage = replace(new StorageMemory(), 'load', () => async () => {
      asked.open()
      await answered.opened
      return undefined
    })
    const read = new Manager({ storage, timeout: 0 }).new('x'.repeat(43)).get('a')
    await asked.opened
    await pass(2 * TIMEOUT)
    answered.open()
    expect(await read).toBeUndefined()
  })
})

/** Lets so many milliseconds pass, with the event loop running. */
async function pass(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  while (performance.now() < end) await travel()
}

/** What stands in for promises in ORMs, and in other realms. */
const PROMISES: Record<string, (work: () => Promise<unknown>) => unknown> = {
  'a lazy thenable': work => ({
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    then: (...listeners: [(value: unknown) => unknown, (error: unknown) => unknown]) =>
      work().then(...listeners),
  }),
  'a promise of another realm': work =>
    runInNewContext('new Promise((resolve, reject) => { work().then(resolve, reject) })', { work }),
}

describe.each(Object.entries(PROMISES))('a storage that answers with %s', (_, wrap) => {
  it.each(Object.entries(KINDS))('keeps sessions (%s)', async (_kind, { open, names }) => {
    const storage = open()
    for (const name of names) {
      replace(
        storage,
        name,
        real =>
          (...args) =>
            wrap(async () => real(...args)),
      )
    }
    const manager = new Manager({ storage })
    const session = manager.new()
    await session.setMap({ a: 1, b: 2 } satisfies SessionData)
    await session.close()
    const other = manager.new(await session.id())
    expect(await other.get('a')).toBe(1)
    expect(await other.update<string, number>('a', n => Number(n) + 1)).toBe(2)
    await other.remove('b')
    await other.close()
    const id = await other.regenerateId()
    expect(await manager.new(id).data()).toEqual({ a: 2 })
    await manager.flush()
    await other.removeAll()
    expect(await manager.new(id).data()).toEqual({})
    await manager.close()
  })
})
