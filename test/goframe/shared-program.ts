import { isDeepStrictEqual } from 'node:util'
import { type Manager, newSessionId, type Session, SessionError } from 'gsession'
import { expect } from 'vitest'
import { asMap, increment, useSession } from '../helpers/session-use.ts'
import type { Shared } from './both-sides.ts'
import type { GoDriver, GoSession } from './go-driver.ts'
import { GoHashModel, GoRecordModel, type GoRequestModel } from './go-model.ts'
import { NodeRequestModel, type Outcome } from './node-model.ts'
import { type Action, SLOTS, type Use } from './shared-actions.ts'
import { type Data, HashesModel, RecordsModel, type StoredModel } from './stored-model.ts'

/** The same sessions, opened by both programs. */
export interface SharedPlace {
  readonly kind: Shared
  readonly manager: Manager
  readonly go: GoDriver
  /** What Go calls the storage. */
  readonly name: string
}

interface NodeRequest {
  readonly session: Session
  readonly model: NodeRequestModel
}

interface GoRequest {
  readonly session: GoSession
  readonly model: GoRequestModel
}

/** Runs a program on both sides and on the model, and compares every answer and both views. */
export class SharedRun {
  readonly #place: SharedPlace
  readonly #stored: StoredModel
  readonly #makeGoModel: (id: string) => GoRequestModel
  readonly #nodeRequests: NodeRequest[] = []
  readonly #goRequests: GoRequest[] = []
  readonly #ids: string[] = []
  /** Unknown, until Go adopts it. */
  readonly #unknownId = newSessionId()

  constructor(place: SharedPlace) {
    this.#place = place
    if (place.kind === 'hash') {
      const hashes = new HashesModel()
      this.#stored = hashes
      this.#makeGoModel = id => new GoHashModel(hashes, id)
    } else {
      const records = new RecordsModel()
      this.#stored = records
      this.#makeGoModel = id => new GoRecordModel(records, id)
    }
  }

  async play(program: readonly Action[]): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) {
      this.#openNode(slot, '')
      await this.#openGo(slot, '')
    }
    for (const [number, action] of program.entries()) {
      const name = `step ${number}, ${action.side} ${action.do}`
      await this.#step(action, name)
      await this.#compareViews(name)
    }
  }

  async #step(action: Action, name: string): Promise<void> {
    if (action.do === 'open') return this.#open(action)
    const id = await (action.side === 'node'
      ? this.#stepInNode(action, name)
      : this.#stepInGo(action, name))
    if (id !== '' && !this.#ids.includes(id)) this.#ids.push(id)
  }

  async #open({ side, slot, given }: Action & { do: 'open' }): Promise<void> {
    const id = this.#idOf(given)
    if (side === 'node') this.#openNode(slot, id)
    else await this.#openGo(slot, id)
  }

  #openNode(slot: number, id: string): void {
    const model = new NodeRequestModel(this.#stored, id === '' ? undefined : id)
    this.#nodeRequests[slot] = { session: this.#place.manager.new(id), model }
  }

  async #openGo(slot: number, id: string): Promise<void> {
    const session = await this.#place.go.begin(this.#place.name, id)
    this.#goRequests[slot] = { session, model: this.#makeGoModel(id) }
  }

  #idOf(given: string | number): string {
    if (given === 'last') return this.#ids.at(-1) ?? ''
    if (typeof given === 'number') return this.#ids[given] ?? ''
    return given === 'unknown' ? this.#unknownId : ''
  }

  /** Answers the id of the session, as far as there is one. */
  async #stepInNode(action: Use, name: string): Promise<string> {
    const request = this.#nodeRequests[action.slot]
    if (request === undefined) return ''
    const { session, model } = request
    const real = await outcomeOf(() => useSession(session, action))
    const idNow = session.stored.storedId ?? ''
    expectEqual(real, expectedInNode(model, action, idNow, String(real.value)), name)
    return model.id ?? ''
  }

  async #stepInGo(action: Use, name: string): Promise<string> {
    const request = this.#goRequests[action.slot]
    if (request === undefined) return ''
    const { session, model } = request
    const real = await actInGo(session, action)
    const makesId = model.id === '' && (action.do === 'set' || action.do === 'setMap')
    const idNow = makesId ? await session.id() : model.id
    expectEqual(real, expectedInGo(model, action, idNow, String(real)), name)
    return model.id
  }

  /** What a request on either side sees that begins now, of every session that there ever was. */
  async #compareViews(name: string): Promise<void> {
    const { manager, go, name: storage } = this.#place
    const views = this.#ids.map(async id => {
      const inGo = go.call({ do: 'view', storage, id })
      const inNode = await manager.new(id).data()
      const expected = this.#stored.load(id)?.data ?? new Map()
      expectEqual(asMap(inNode), expected, `${name}: in Node`)
      expectEqual(shownByGo(await inGo), this.#stored.seenByGo(id), `${name}: in Go`)
    })
    await Promise.all(views)
  }
}

function expectedInNode(
  model: NodeRequestModel,
  action: Use,
  idNow: string,
  answer: string,
): Outcome {
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
      return { value: model.get(action.key) }
    case 'contains':
      return { value: (model.get(action.key) ?? null) !== null }
    case 'update':
      return model.update(action.key, increment, idNow)
    case 'set':
      return model.set([[action.key, action.value]])
    case 'setMap':
      return model.set(action.values)
    case 'remove':
      return model.remove(action.keys)
    case 'regenerate': {
      const outcome = model.regenerate(action.keepOld, answer)
      return outcome.error === undefined ? { value: answer } : outcome
    }
  }
}

async function actInGo(session: GoSession, action: Use): Promise<unknown> {
  switch (action.do) {
    case 'data':
      return shownByGo(await session.data())
    case 'size':
      return sizeInGo(session)
    case 'get':
    case 'contains':
      return session.order(action.do, { key: action.key })
    case 'set':
      return session.set(action.key, action.value)
    case 'setMap':
      return session.order('setMap', { value: Object.fromEntries(action.values) })
    case 'remove':
      return session.order('remove', { keys: action.keys })
    case 'regenerate':
      return session.order('regenerate', { delete: !action.keepOld })
    default:
      return session.order(action.do)
  }
}

/** Without the library's notes, which Go counts and shows alike. */
async function sizeInGo(session: GoSession): Promise<number> {
  const data = await session.data()
  expect(await session.order('size')).toBe(Object.keys(data).length)
  return shownByGo(data).size
}

function expectedInGo(model: GoRequestModel, action: Use, idNow: string, answer: string): unknown {
  switch (action.do) {
    case 'data':
      return model.data()
    case 'size':
      return model.data().size
    case 'get':
      return model.data().get(action.key) ?? null
    case 'contains':
      return (model.data().get(action.key) ?? null) !== null
    case 'set':
      model.set(new Map([[action.key, action.value]]), idNow)
      return null
    case 'setMap':
      model.set(new Map(action.values), idNow)
      return null
    case 'remove':
      model.remove(action.keys)
      return null
    case 'regenerate':
      model.regenerate(!action.keepOld, answer)
      return answer
    case 'removeAll':
      model.removeAll()
      return null
    case 'close':
      model.close()
      return null
    default:
      throw new Error(`Go has no ${action.do}`)
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

/** Spares `expect`, which is slow, where there is nothing to tell. */
function expectEqual(real: unknown, expected: unknown, name: string): void {
  if (!isDeepStrictEqual(real, expected)) expect(real, name).toEqual(expected)
}

function shownByGo(data: unknown): Data {
  const shown = asMap(Object(data))
  for (const key of shown.keys()) if (key.startsWith('__gsession')) shown.delete(key)
  return shown
}
