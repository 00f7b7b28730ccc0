import { setTimeout as wait } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { Manager, newSessionId, StorageMemory } from 'gsession'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { heldTime } from '../helpers/held-time.ts'
import { CLIENTS, type Connected } from '../redis/clients.ts'
import { STORAGES, type StorageName } from '../redis/line.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { begin, GrpcSite, type Kind, type RunningCall, type Work } from './grpc-site.ts'
import { tellingStorage } from './telling-storage.ts'

const STREAMS = ['clientStream', 'serverStream', 'bidi'] as const

const managerOf = (storage = new StorageMemory()): Manager => new Manager({ storage })

/** A call that has begun, and stays until it is ended. */
interface Stay {
  readonly running: RunningCall
  readonly isOver: () => boolean
  /** Whether the handler has heard that its call is cancelled. */
  readonly wasCancelled: () => boolean
  /** Lets the handler answer. */
  readonly leave: () => void
}

/** Starts a stream whose handler does some work, and then waits. */
async function stay(manager: Manager, kind: Kind, id: string, work: Work): Promise<Stay> {
  const [worked, leaves] = [makeGate(), makeGate()]
  let [isOver, wasCancelled] = [false, false]
  const site = await GrpcSite.start(manager, async (session, call) => {
    call.once?.('cancelled', () => {
      wasCancelled = true
    })
    await work(session, call)
    worked.open()
    await leaves.opened
    return 'done'
  })
  const running = site.start(kind, { id })
  if (kind === 'clientStream') running.end()
  if (kind === 'bidi') running.write('message')
  void running.answer.then(() => {
    isOver = true
  })
  await worked.opened
  return { running, isOver: () => isOver, wasCancelled: () => wasCancelled, leave: leaves.open }
}

/** Lets a stream answer, which it can only while its session has not ended. */
async function leaveWell({ running, leave }: Stay, kind: Kind): Promise<void> {
  leave()
  if (kind === 'bidi') running.end()
  expect(await running.answer).toMatchObject({ code: status.OK, messages: ['done'] })
}

const read: Work = session => session.get('user')

async function expectEnded({ running, wasCancelled }: Stay, id: string): Promise<void> {
  const answer = await running.answer
  expect(answer).toMatchObject({ code: status.UNAUTHENTICATED, messages: [], id: undefined })
  expect(answer.details).toBe('The session has ended')
  expect(answer.details).not.toContain(id)
  await eventually(() => expect(wasCancelled()).toBe(true))
}

/** Lets a storage tell of what it has done before whoever asked for it has an answer. */
function answerLate(storage: StorageMemory, tell: () => void): void {
  const late =
    <Args extends unknown[], Result>(verb: (...args: Args) => Result) =>
    async (...args: Args): Promise<Result> => {
      const result = verb.apply(storage, args)
      tell()
      await wait(50)
      return result
    }
  Object.assign(storage, { rotate: late(storage.rotate), destroy: late(storage.destroy) })
}

describe.each(STREAMS)('a stream of the kind %s ends with UNAUTHENTICATED', kind => {
  it.each([
    ['removed', (manager: Manager, id: string) => manager.new(id).removeAll()],
    ['regenerated', (manager: Manager, id: string) => manager.new(id).regenerateId()],
  ])('when another call has %s its session', async (_, end) => {
    const manager = managerOf()
    const id = await begin(manager)
    const stream = await stay(manager, kind, id, read)
    await end(manager, id)
    await expectEnded(stream, id)
  })

  it('when its session expires', async () => {
    const { clock, letGo } = heldTime()
    const manager = new Manager({ storage: new StorageMemory({ clock }), ttl: 400, clock })
    const id = await begin(manager)
    const stream = await stay(manager, kind, id, read)
    letGo()
    await expectEnded(stream, id)
  })

  it('when it has changes that were not saved, and reports no failure', async () => {
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    const manager = new Manager({ storage: new StorageMemory(), onBackgroundError })
    const id = await begin(manager)
    const stream = await stay(manager, kind, id, async session => {
      await session.get('user')
      await session.set('late', true)
    })
    await manager.new(id).removeAll()
    await expectEnded(stream, id)
    expect(await manager.new(id).size()).toBe(0)
    expect(errors).toEqual([])
  })

  it('when the session is removed under the id that the stream gave it', async () => {
    const { storage, tell } = tellingStorage()
    const manager = managerOf(storage)
    const id = await begin(manager)
    let newId = ''
    const stream = await stay(manager, kind, id, async session => {
      await session.get('user')
      newId = await session.regenerateId()
    })
    await manager.new(newId).removeAll()
    await eventually(() => {
      tell()
      expect(stream.isOver()).toBe(true)
    })
    expect(await stream.running.answer).toMatchObject({ code: status.UNAUTHENTICATED, id: newId })
  })
})

describe.each(STREAMS)('a stream of the kind %s goes on', kind => {
  it.each<[string, number, Work]>([
    ['regenerated the id', 1, session => session.regenerateId()],
    ['regenerated the id and kept the old one', 1, s => s.regenerateId({ keepOld: true })],
    ['removed the session', 0, session => session.removeAll()],
    [
      'removed the session and began another',
      1,
      async session => {
        await session.removeAll()
        await session.update('user', () => 'Bob')
      },
    ],
  ])('when it has itself %s', async (_, watches, work) => {
    const { storage, watched, tell } = tellingStorage()
    answerLate(storage, tell)
    const manager = managerOf(storage)
    const id = await begin(manager)
    const stream = await stay(manager, kind, id, async (session, call) => {
      await session.get('user')
      await eventually(() => expect(watched()).toBe(1))
      await work(session, call)
      tell()
    })
    await eventually(() => expect(watched()).toBe(watches))
    await leaveWell(stream, kind)
  })

  it('when another call regenerates its session and keeps the old id', async () => {
    const { storage, watched, tell } = tellingStorage()
    const manager = managerOf(storage)
    const id = await begin(manager)
    const stream = await stay(manager, kind, id, read)
    await eventually(() => expect(watched()).toBe(1))
    await manager.new(id).regenerateId({ keepOld: true })
    tell()
    await manager.new(id).data()
    await leaveWell(stream, kind)
  })

  it('when the storage is down', async () => {
    const { storage, watched, tell } = tellingStorage()
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    const manager = new Manager({ storage, onBackgroundError })
    const stream = await stay(manager, kind, await begin(manager), read)
    await eventually(() => expect(watched()).toBe(1))
    const load = (): never => {
      throw new Error('down')
    }
    Object.assign(storage, { load, peek: load })
    tell()
    await eventually(() => expect(errors.length).toBeGreaterThan(0))
    await leaveWell(stream, kind)
  })

  it('when there is no session under the id that was sent', async () => {
    const { storage, watched } = tellingStorage()
    const manager = managerOf(storage)
    const stream = await stay(manager, kind, newSessionId(), read)
    expect(watched()).toBe(0)
    await leaveWell(stream, kind)
  })
})

describe('watches', () => {
  it.each(STREAMS)(
    'are made for streams that use their session, and ended with them: %s',
    async kind => {
      const { storage, watched } = tellingStorage()
      const manager = managerOf(storage)
      const id = await begin(manager)
      const untouched = await stay(manager, kind, id, () => undefined)
      expect(watched()).toBe(0)
      const answered = await stay(manager, kind, id, read)
      const cancelled = await stay(manager, kind, id, read)
      const failed = await stay(manager, kind, id, session => session.update('n', () => 1))
      await eventually(() => expect(watched()).toBe(3))

      await leaveWell(answered, kind)
      await eventually(() => expect(watched()).toBe(2))
      cancelled.running.cancel()
      await eventually(() => expect(watched()).toBe(1))
      await manager.new(id).removeAll()
      failed.running.cancel()
      await eventually(() => expect(watched()).toBe(0))
      await leaveWell(untouched, kind)
    },
  )

  it('are not made for unary calls', async () => {
    const { storage, watched } = tellingStorage()
    const manager = managerOf(storage)
    const stream = await stay(manager, 'unary', await begin(manager), read)
    expect(watched()).toBe(0)
    await leaveWell(stream, 'unary')
  })
})

describe.each(Object.keys(STORAGES) as StorageName[])('a stream with its session in %s', name => {
  let server: RedisServer
  let connected: Connected
  beforeAll(async () => {
    server = await startServer()
    const connect = CLIENTS['ioredis 6']
    if (connect === undefined) throw new Error('There is no such client')
    connected = await connect(server)
  })
  afterAll(async () => {
    await connected.close()
    await server.close()
  })

  it('ends when another process removes it', async () => {
    const open = (): Manager =>
      new Manager({ storage: new STORAGES[name]({ client: connected.client, prefix: 'grpc:' }) })
    await using manager = open()
    await using other = open()
    const id = await begin(manager)
    const stream = await stay(manager, 'serverStream', id, read)
    await other.new(id).removeAll()
    await expectEnded(stream, id)
  })
})
