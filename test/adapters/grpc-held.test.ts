import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js'
import { Manager, type StorageMemory } from 'gsession'
import { sessionOf } from 'gsession/grpc'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { type Gate, makeGate } from '../helpers/gate.ts'
import { interceptStorage } from '../helpers/http-storage.ts'
import { begin, GrpcSite, KINDS, type RunningCall, type SiteOptions } from './grpc-site.ts'
import { witness } from './grpc-witness.ts'

const DOWN = new Error('down')
const REPORTED = [expect.objectContaining({ code: 'ERR_STORAGE' })]

/** A storage whose merges and creations begin, and wait for a gate before they are done. */
interface Slow {
  readonly storage: StorageMemory
  readonly begun: Gate
  readonly goesOn: Gate
  fails: boolean
}

function slowStorage(): Slow {
  const slow = { begun: makeGate(), goesOn: makeGate(), fails: false }
  const storage = interceptStorage(async (verb, proceed) => {
    if (verb !== 'merge' && verb !== 'create') return proceed()
    slow.begun.open()
    await slow.goesOn.opened
    if (slow.fails) throw DOWN
    return proceed()
  })
  return Object.assign(slow, { storage })
}

type Handler = (call: ServerWritableStream<string, string>) => void

interface Held {
  readonly manager: Manager
  readonly errors: Error[]
  readonly seen: string[]
  start(options?: { id?: string }): RunningCall
}

/** A server whose handler streams, with what leaves it noted. */
async function open(slow: Slow, handler: Handler, site: SiteOptions = {}): Promise<Held> {
  const [errors, seen]: [Error[], string[]] = [[], []]
  const onBackgroundError = (error: Error): void => void errors.push(error)
  const manager = new Manager({ storage: slow.storage, onBackgroundError })
  const served = await GrpcSite.start(manager, () => undefined, {
    handlers: { serverStream: handler },
    before: [witness(seen, 'it')],
    ...site,
  })
  return { manager, errors, seen, start: options => served.start('serverStream', options) }
}

/** Lets a session be stored at once. */
async function beginAtOnce(slow: Slow, manager: Manager): Promise<string> {
  const { begun, goesOn } = slow
  Object.assign(slow, { begun: makeGate(), goesOn: { ...makeGate(), opened: Promise.resolve() } })
  const id = await begin(manager)
  Object.assign(slow, { begun, goesOn })
  return id
}

describe('what waits for a save of a stream', () => {
  it('is told of one failure, however much of it there is', async () => {
    const slow = slowStorage()
    slow.fails = true
    slow.goesOn.open()
    const { errors, seen, start } = await open(slow, call => {
      void sessionOf(call).set('user', 'Ada')
      call.sendMetadata(new Metadata())
      call.write('late')
    })
    expect(await start().answer).toMatchObject({ code: status.UNAVAILABLE, messages: [] })
    expect(errors).toEqual(REPORTED)
    expect(seen).toEqual(['it request', 'it hears a message', 'it status 14'])
  })

  it('leaves when what was changed before it is saved, each for itself', async () => {
    const slow = slowStorage()
    const { manager, start } = await open(slow, async call => {
      void sessionOf(call).set('first', 1)
      call.sendMetadata(new Metadata())
      await slow.begun.opened
      void sessionOf(call).set('second', 2)
      call.write('saved')
      slow.goesOn.open()
    })
    const running = start()
    await eventually(() => expect(running.messages).toEqual(['saved']))
    const [id] = (await running.initial).get('session-id')
    expect(await manager.new(String(id)).data()).toEqual({ first: 1, second: 2 })
  })

  it('never leaves after the status of a session that has ended meanwhile', async () => {
    const slow = slowStorage()
    const { manager, errors, seen, start } = await open(slow, async call => {
      const session = sessionOf(call)
      await session.get('user')
      void session.set('last', 'words')
      call.write('late')
    })
    const id = await beginAtOnce(slow, manager)
    const running = start({ id })
    await slow.begun.opened
    await manager.new(id).removeAll()
    slow.goesOn.open()
    const answer = await running.answer
    expect(answer).toMatchObject({ messages: [] })
    // Who notices it first depends on the moment: the save, or the watch.
    expect([status.UNAUTHENTICATED, status.ABORTED]).toContain(answer.code)
    expect(seen.slice(2)).toEqual([`it status ${answer.code}`])
    expect(errors).toEqual([])
  })

  it.each([
    ['fails', 'ERR_STORAGE', async () => undefined, true],
    [
      'comes too late for its session',
      'ERR_GONE',
      (manager: Manager, id: string) => manager.new(id).removeAll(),
      false,
    ],
  ])('is reported once when its client has gone, and the save %s', async (...row) => {
    const [, code, end, fails] = row
    const slow = slowStorage()
    const cancelled = makeGate()
    const { manager, errors, start } = await open(slow, call => {
      call.once('cancelled', cancelled.open)
      void sessionOf(call).set('last', 'words')
      call.write('late')
    })
    const id = await beginAtOnce(slow, manager)
    slow.fails = fails
    const running = start({ id })
    await slow.begun.opened
    running.cancel()
    await cancelled.opened
    await end(manager, id)
    slow.goesOn.open()
    await eventually(() => expect(errors).toEqual([expect.objectContaining({ code })]))
    await manager
      .new(id)
      .data()
      .catch(() => undefined)
    expect(errors).toHaveLength(1)
  })

  it('is sent without what changed later, when the handler fails with `saveOnError: false`', async () => {
    const slow = slowStorage()
    const handler: Handler = async call => {
      const session = sessionOf(call)
      void session.set('first', 1)
      call.write('first')
      await slow.begun.opened
      void session.set('second', 2)
      call.emit('error', { code: status.NOT_FOUND, details: 'no' })
      slow.goesOn.open()
    }
    const { manager, start } = await open(slow, handler, { options: { saveOnError: false } })
    const answer = await start().answer
    expect(answer).toMatchObject({ code: status.NOT_FOUND, messages: ['first'] })
    expect(await manager.new(answer.id).data()).toEqual({ first: 1 })
  })
})

describe('a call whose client has gone', () => {
  it('saves once what changes at once, reports one failure, and saves what changes later', async () => {
    const slow = slowStorage()
    slow.goesOn.open()
    const [worked, cancelled, goesOn] = [makeGate(), makeGate(), makeGate()]
    const { manager, errors, start } = await open(slow, async call => {
      call.once('cancelled', cancelled.open)
      const session = sessionOf(call)
      await session.get('user')
      worked.open()
      await cancelled.opened
      void session.set('one', 1)
      void session.set('two', 2)
      await goesOn.opened
      void session.set('three', 3)
    })
    const id = await begin(manager)
    slow.fails = true
    const running = start({ id })
    await worked.opened
    running.cancel()
    await eventually(() => expect(errors).toEqual(REPORTED))
    slow.fails = false
    goesOn.open()
    const expected = { user: 'Ada', one: 1, two: 2, three: 3 }
    await eventually(async () => expect(await manager.new(id).data()).toEqual(expected))
    expect(errors).toHaveLength(1)
  })
})

describe('the head of a call', () => {
  it.each(KINDS)('is not sent by itself for a status alone: %s', async kind => {
    const seen: string[] = []
    const site = await GrpcSite.start(
      new Manager({ storage: slowStorage().storage }),
      () => {
        throw Object.assign(new Error('no'), { code: status.NOT_FOUND })
      },
      { before: [witness(seen, 'it')] },
    )
    expect(await site.call(kind)).toMatchObject({ code: status.NOT_FOUND })
    expect(seen).toEqual(['it request', 'it hears a message', 'it status 5'])
  })

  it('is sent once, whatever the handler sends of it', async () => {
    const slow = slowStorage()
    const { seen, start } = await open(slow, call => {
      call.sendMetadata(new Metadata())
      call.sendMetadata(new Metadata())
      call.end()
    })
    expect(await start().answer).toMatchObject({ code: status.OK })
    expect(seen).toEqual(['it request', 'it hears a message', 'it metadata', 'it status 0'])
  })

  it('has no id for a client that sent none, when a session begins and is removed', async () => {
    const slow = slowStorage()
    slow.goesOn.open()
    const site = await GrpcSite.start(new Manager({ storage: slow.storage }), async session => {
      await session.update('user', () => 'Ada')
      await session.removeAll()
    })
    for (const kind of KINDS) {
      expect(await site.call(kind)).toMatchObject({ code: status.OK, id: undefined })
    }
  })
})
