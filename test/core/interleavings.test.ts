import { Manager, type Session, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { WholeStorage } from '../storages/custom-storages.ts'

type Step = (session: Session) => Promise<unknown>

const read: Step = session => session.data()
const close: Step = session => codeOf(session.close())
const set =
  (key: string): Step =>
  session =>
    session.set(key, key)
const count: Step = session => session.update('n', n => Number(n ?? 0) + 1)
const remove: Step = session => session.removeAll()
const regenerate: Step = session => session.regenerateId()
const keepOld: Step = session => session.regenerateId({ keepOld: true })

/** All orders in which requests can take their steps: the number of a request for each step. */
function* interleavings(lengths: readonly number[]): Generator<readonly number[]> {
  if (lengths.every(length => length === 0)) yield []
  for (const [request, length] of lengths.entries()) {
    if (length === 0) continue
    const rest = lengths.with(request, length - 1)
    for (const order of interleavings(rest)) yield [request, ...order]
  }
}

interface Outcome {
  readonly manager: Manager
  readonly id: string
  readonly sessions: readonly Session[]
  /** What each request's steps resolved to. */
  readonly results: readonly unknown[][]
  readonly order: readonly number[]
}

/** Runs the requests on one session in every order, and looks at each outcome. */
async function inEveryOrder(
  requests: readonly (readonly Step[])[],
  check: (outcome: Outcome) => Promise<void>,
  open: () => Manager = () => new Manager({ storage: new StorageMemory() }),
): Promise<void> {
  for (const order of interleavings(requests.map(steps => steps.length))) {
    const manager = open()
    const id = await begin(manager, { n: 0 })
    const sessions = requests.map(() => manager.new(id))
    const results: unknown[][] = requests.map(() => [])
    for (const request of order) {
      const done = results[request] ?? []
      const [step, session] = [requests[request]?.[done.length], sessions[request]]
      if (step !== undefined && session !== undefined) done.push(await step(session))
    }
    await check({ manager, id, sessions, results, order })
  }
}

describe('requests on one session, in every order of their steps', () => {
  it('keep what each of them set', () =>
    inEveryOrder(
      ['a', 'b', 'c'].map(key => [read, set(key), close]),
      async ({ manager, id }) => {
        expect(await manager.new(id).data()).toEqual({ n: 0, a: 'a', b: 'b', c: 'c' })
      },
    ))

  it('lose no update, beside other changes', () =>
    inEveryOrder(
      [[read, count, count], [set('a'), count, close], [count]],
      async ({ manager, id }) => {
        expect(await manager.new(id).data()).toEqual({ n: 4, a: 'a' })
      },
    ))

  it('leave a removed session removed, and say so to those who had loaded it', () =>
    inEveryOrder(
      [
        [read, set('late'), close],
        [read, remove],
        [read, close],
      ],
      async outcome => {
        const { manager, id, results, order } = outcome
        const steps = order.map((request, at) => [request, order.slice(0, at)] as const)
        const wasRemoved = (at: readonly number[]) => at.filter(one => one === 1).length === 2
        const [readAfter, closedAfter] = [0, 2].map(step => {
          const mine = steps.filter(([request]) => request === 0)[step]
          return mine !== undefined && wasRemoved(mine[1])
        })
        const expected = closedAfter && !readAfter ? 'ERR_GONE' : undefined
        expect(results[0]?.[2]).toBe(expected)
        expect(results[2]?.[1]).toBeUndefined()
        expect(await manager.new(id).data()).toEqual({})
      },
    ))

  it('on a regenerated id neither revive it nor see what comes later', () =>
    inEveryOrder(
      [
        [read, set('late'), close],
        [read, regenerate, set('secret'), close],
      ],
      async ({ manager, id, sessions, results }) => {
        expect(await manager.new(id).data()).toEqual({})
        const newId = String(results[1]?.[1])
        const data = await manager.new(newId).data()
        expect(data).toMatchObject({ n: 0, secret: 'secret' })
        expect(await sessions[0]?.get('secret')).toBeUndefined()
        if (results[0]?.[2] === 'ERR_GONE') expect(data).not.toHaveProperty('late')
      },
    ))

  it('move the session to one new id when both move it, and say so to the other', () =>
    inEveryOrder(
      [
        [read, session => codeOf(session.regenerateId())],
        [read, session => codeOf(session.regenerateId())],
      ],
      async ({ manager, id, sessions, results }) => {
        expect(await manager.new(id).data()).toEqual({})
        const moved = sessions.filter((_, request) => results[request]?.[1] === undefined)
        for (const session of moved) {
          expect(await manager.new(await session.id()).size()).toBeLessThanOrEqual(1)
        }
        const datas = await Promise.all(moved.map(session => session.data()))
        expect(datas.filter(data => 'n' in data)).toHaveLength(1)
      },
    ))

  for (const [what, end] of [
    ['removed', remove],
    ['regenerated', regenerate],
  ] as const) {
    it(`on a session that is ${what} after they updated it begin no new one, read or not`, () =>
      inEveryOrder([[count, read, set('late'), close], [end]], async outcome => {
        const { id, manager, results, order } = outcome
        const ended = order.indexOf(1)
        const expected = ended === 0 || ended === 4 ? undefined : 'ERR_GONE'
        expect(results[0]?.[3]).toBe(expected)
        if (expected === undefined) return
        expect(await manager.new(id).data()).toEqual({})
        const session = outcome.sessions[0] ?? manager.new()
        expect(await codeOf(session.regenerateId())).toBe('ERR_GONE')
        await session.removeAll()
        await session.update('new', () => 1)
        expect(await session.data()).toEqual({ new: 1 })
      }))
  }

  it('stay apart from a copy under a new id', () =>
    inEveryOrder(
      [
        [read, keepOld, set('new'), close],
        [read, set('old'), close],
      ],
      async ({ manager, id, results }) => {
        const [old, copy] = [manager.new(id), manager.new(String(results[0]?.[1]))]
        expect(await old.data()).toEqual({ n: 0, old: 'old' })
        expect(await copy.data()).toMatchObject({ n: 0, new: 'new' })
      },
    ))

  it('keep what each of them set, in a custom storage too', () =>
    inEveryOrder(
      [
        [read, set('a'), close],
        [count, set('b'), close],
      ],
      async ({ manager, id }) => {
        expect(await manager.new(id).data()).toEqual({ n: 1, a: 'a', b: 'b' })
      },
      () => new Manager({ storage: new WholeStorage(Date.now) }),
    ))
})
