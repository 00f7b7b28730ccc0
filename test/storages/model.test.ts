import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { SessionError } from '../../src/core/errors.ts'
import { Manager } from '../../src/core/manager.ts'
import type { Session } from '../../src/core/session.ts'
import { hashSessionId, newSessionId } from '../../src/core/session-id.ts'
import type { Storage } from '../../src/core/storage.ts'
import { StorageFile } from '../../src/storages/file.ts'
import { StorageMemory } from '../../src/storages/memory.ts'
import { withoutClose } from '../../src/testing/storage-views.ts'
import { inLong } from '../helpers/long.ts'
import { asMap, increment, useSession } from '../helpers/session-use.ts'
import { type Outcome, RequestModel, SessionsModel } from './session-model.ts'

vi.mock('node:timers', async () => {
  const { nodeTimers } = await import('../helpers/global-timers.ts')
  return { default: nodeTimers }
})

const folder = mkdtempSync(join(tmpdir(), 'gsession-model-'))
let opened = 0

/** Every storage that can be given a clock. The same program runs on all of them. */
const STORAGES: Readonly<Record<string, (clock: Clock) => Storage>> = {
  StorageMemory: clock => new StorageMemory({ clock }),
  StorageFile: clock => new StorageFile({ clock, path: join(folder, `${opened++}`) }),
}

const TTL = 600_000
const STEP = 10_000
const SLOTS = 3
const BAD_ID = '../../etc/passwd'

const slot = fc.nat(SLOTS - 1)
const key = fc.constantFrom('a', 'b', 'n', '__proto__', '')
const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(null, '', 'text', 9_223_372_036_854_775_807n, [1, [2]], { a: { b: null } }),
)
/** Which id a request comes with: one that was used, by its number, or none that is known. */
const given = fc.oneof(
  { weight: 4, arbitrary: fc.constant('last' as const) },
  { weight: 2, arbitrary: fc.nat(5) },
  { weight: 2, arbitrary: fc.constant('unknown' as const) },
  { weight: 1, arbitrary: fc.constantFrom('none' as const, 'bad' as const) },
)

type Action =
  | {
      do: 'open'
      slot: number
      given: 'last' | 'none' | 'unknown' | 'bad' | number
      chosen: boolean
    }
  | { do: 'data' | 'size' | 'close' | 'removeAll'; slot: number }
  | { do: 'get' | 'contains' | 'update'; slot: number; key: string }
  | { do: 'set'; slot: number; key: string; value: unknown }
  | { do: 'setMap'; slot: number; values: [string, unknown][] }
  | { do: 'remove'; slot: number; keys: string[] }
  | { do: 'regenerate'; slot: number; keepOld: boolean }
  | { do: 'pass'; milliseconds: number }
  | { do: 'restart' }

const as = <Name extends string>(...names: Name[]) => fc.constantFrom(...names)
const chosen = fc.integer({ min: 0, max: 2 }).map(n => n === 0)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: as('open'), slot, given, chosen }) },
  { weight: 3, arbitrary: fc.record({ do: as('data', 'size', 'close', 'close'), slot }) },
  { weight: 4, arbitrary: fc.record({ do: as('get', 'contains', 'update'), slot, key }) },
  { weight: 4, arbitrary: fc.record({ do: as('set'), slot, key, value }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: as('setMap'),
      slot,
      values: fc.uniqueArray(fc.tuple(key, value), { selector: ([key]) => key }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: as('remove'), slot, keys: fc.array(key) }) },
  { weight: 1, arbitrary: fc.record({ do: as('removeAll'), slot }) },
  { weight: 2, arbitrary: fc.record({ do: as('regenerate'), slot, keepOld: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: as('pass'),
      milliseconds: fc.constantFrom(1, 5_000, 61_000, TTL / 2, TTL - STEP, TTL - 1, TTL, TTL + 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: as('restart') }) },
)

/** Runs a program on a storage and on the model, and compares every answer. */
class Run {
  readonly #storage: Storage
  readonly #model = new SessionsModel(Date.now(), TTL, STEP)
  readonly #requests: { session: Session; model: RequestModel }[] = []
  readonly #ids: string[] = []
  /** Unknown, until a request chooses it. */
  readonly #unknownId = newSessionId()
  #manager: Manager

  constructor(open: (clock: Clock) => Storage) {
    this.#storage = open(() => this.#model.now)
    this.#manager = this.#openManager()
  }

  async play(program: readonly Action[]): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) this.#open(slot, 'none', false)
    for (const [number, action] of program.entries()) {
      await this.#step(action, `step ${number}, ${action.do}`)
    }
    await this.#compareAll()
    await this.#manager.close()
    await this.#storage.close?.()
  }

  async #step(action: Action, name: string): Promise<void> {
    if (action.do === 'pass') return this.#pass(action.milliseconds)
    if (action.do === 'restart') return this.#restart()
    if (action.do === 'open') return this.#open(action.slot, action.given, action.chosen)
    const request = this.#requests[action.slot]
    if (request === undefined) return
    const { session, model } = request
    if (model.id !== undefined) await this.#settleDoubt(model.id)
    const real = await outcomeOf(() => useSession(session, action))
    const idNow = session.stored.storedId ?? ''
    expect(real, name).toEqual(expected(model, action, idNow, String(real.value)))
    if (model.id !== undefined && !this.#ids.includes(model.id)) this.#ids.push(model.id)
  }

  #open(slot: number, given: string | number, chosen: boolean): void {
    const id = this.#idOf(given)
    const session = this.#manager.new(chosen ? undefined : id)
    const isShaped = id !== undefined && id !== BAD_ID
    if (chosen && isShaped) session.setId(id)
    const model = new RequestModel(this.#model, isShaped ? id : undefined, chosen && isShaped)
    this.#requests[slot] = { session, model }
  }

  #idOf(given: string | number): string | undefined {
    if (given === 'last') return this.#ids.at(-1)
    if (typeof given === 'number') return this.#ids[given]
    if (given === 'none') return undefined
    return given === 'bad' ? BAD_ID : this.#unknownId
  }

  /** Lets time pass for the clock and for timers alike, and what they started come to an end. */
  async #pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= STEP) {
      const step = Math.min(left, STEP)
      this.#model.now += step
      await vi.advanceTimersByTimeAsync(step)
      for (let turn = 0; turn < 3; turn++) await nextTurn()
    }
  }

  async #restart(): Promise<void> {
    await this.#manager.close()
    this.#manager = this.#openManager()
    for (let slot = 0; slot < SLOTS; slot++) this.#open(slot, 'last', false)
  }

  async #settleDoubt(id: string): Promise<void> {
    if (this.#model.isInDoubt(id)) this.#model.settle(id, (await this.#read(id)) !== undefined)
  }

  /** At the end, the storage holds what the model holds, and nothing more. */
  async #compareAll(): Promise<void> {
    for (const id of this.#ids) {
      await this.#settleDoubt(id)
      const data = await this.#read(id)
      expect(data && asMap(data)).toEqual(this.#model.find(id)?.data)
    }
  }

  async #read(id: string): Promise<object | undefined> {
    return (await this.#storage.getSession(hashSessionId(id), TTL)) ?? undefined
  }

  #openManager(): Manager {
    const storage = withoutClose(this.#storage)
    return new Manager({ storage, ttl: TTL, clock: () => this.#model.now, timeout: 0 })
  }
}

type Use = Exclude<Action, { do: 'open' | 'pass' | 'restart' }>

function expected(model: RequestModel, action: Use, idNow: string, answer: unknown): Outcome {
  switch (action.do) {
    case 'data':
      return { value: model.data() }
    case 'size':
      return { value: model.data().size }
    case 'close':
      return model.close(idNow)
    case 'removeAll':
      return model.removeAll()
    case 'get':
      return model.get(action.key)
    case 'contains':
      return { value: (model.get(action.key).value ?? null) !== null }
    case 'update':
      return model.update(action.key, increment, idNow)
    case 'set':
      return model.set([[action.key, action.value]])
    case 'setMap':
      return model.set(action.values)
    case 'remove':
      return model.remove(action.keys)
    case 'regenerate': {
      const outcome = model.regenerate(action.keepOld, String(answer))
      return outcome.error === undefined ? { value: answer } : outcome
    }
  }
}

async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof SessionError) return { error: error.code }
    throw error
  }
}

describe('a program of requests', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('does on every storage what it does on plain maps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 80, size: 'max' }), async program => {
        for (const open of Object.values(STORAGES)) await new Run(open).play(program)
      }),
      { numRuns: inLong(200, 60) },
    )
  }, 120_000)
})
