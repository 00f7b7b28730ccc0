import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { Manager, newSessionId, type Session, SessionError, StorageMemory } from 'gsession'
import { sessionOf } from 'gsession/grpc'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { countCalls, delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { begin, GrpcSite, KINDS, type Kind, type RunningCall, type Work } from './grpc-site.ts'
import { Wire } from './grpc-wire.ts'

const SECRET = 'connect ECONNREFUSED 10.0.0.7:6379'

function managerOf(storage = new StorageMemory()): { manager: Manager; errors: Error[] } {
  const errors: Error[] = []
  const onBackgroundError = (error: Error): void => void errors.push(error)
  return { manager: new Manager({ storage, onBackgroundError }), errors }
}

/** Begins a call, with its one message. */
function startOne(site: GrpcSite, kind: Kind, options = {}): RunningCall {
  const running = site.start(kind, options)
  if (kind === 'clientStream' || kind === 'bidi') {
    running.write('message')
    running.end()
  }
  return running
}

const throwOops = (): never => {
  throw new Error('oops')
}
const codeOf = (error: unknown): unknown => (error instanceof SessionError ? error.code : error)
const login: Work = session => session.set('user', 'Ada')

describe.each(KINDS)('what fails in a call of the kind %s:', kind => {
  it('a save becomes UNAVAILABLE, and nothing is answered', async () => {
    const { storage, failWith } = failOnDemand()
    const { manager, errors } = managerOf(storage)
    failWith(new Error(SECRET))
    const site = await GrpcSite.start(manager, login)
    const answer = await site.call(kind)
    expect(answer).toMatchObject({ code: status.UNAVAILABLE, messages: [], id: undefined })
    expect(answer.details).toBe('The session storage is unavailable')
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    expect(errors[0]?.message).toContain(SECRET)

    failWith(new Error('not any more'), 'refresh')
    expect(await site.call(kind)).toMatchObject({ code: status.OK, messages: ['nothing'] })
  })

  it('a read becomes UNAVAILABLE through statusOf', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error(SECRET), 'load')
    const site = await GrpcSite.start(managerOf(storage).manager, session => session.get('user'))
    const answer = await site.call(kind, { id: newSessionId() })
    expect(answer).toMatchObject({ code: status.UNAVAILABLE, messages: [] })
    expect(answer.details).not.toContain('10.0.0.7')
  })

  it('a save into a session that was removed meanwhile becomes ABORTED', async () => {
    const { manager, errors } = managerOf()
    const site = await GrpcSite.start(manager, async (session, call) => {
      await session.get('user')
      await manager.new(String(call.metadata.get('session-id')[0])).removeAll()
      await session.set('late', true)
    })
    const id = await begin(manager)
    const answer = await site.call(kind, { id })
    // A stream may notice the removal before it saves.
    const expected = kind === 'unary' ? [status.ABORTED] : [status.ABORTED, status.UNAUTHENTICATED]
    expect(expected).toContain(answer.code)
    expect(answer).toMatchObject({ messages: [], id: undefined })
    expect(answer.details).not.toContain(id)
    expect(await manager.new(id).size()).toBe(0)
    expect(errors).toEqual([])
  })

  it.each<[string, Work]>([
    ['set', session => void session.set('a', Symbol('a'))],
    ['update', session => void session.update('a', throwOops)],
  ])('a change that nobody waits for becomes INTERNAL: %s', async (_, mistake) => {
    const { manager, errors } = managerOf()
    const site = await GrpcSite.start(manager, mistake)
    const answer = await site.call(kind)
    expect(answer).toMatchObject({ code: status.INTERNAL, messages: [], id: undefined })
    expect(errors).toEqual([expect.any(Error)])
  })

  it('what is no data any more becomes INTERNAL', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(new SessionError('ERR_UNREADABLE', SECRET), 'load')
    const site = await GrpcSite.start(managerOf(storage).manager, session => session.get('user'))
    const answer = await site.call(kind, { id: newSessionId() })
    expect(answer).toMatchObject({ code: status.INTERNAL, details: 'The session failed' })
  })

  it('a handler, after which what it had set is saved, and the id told', async () => {
    const { manager } = managerOf()
    const site = await GrpcSite.start(manager, async session => {
      await session.set('user', 'Ada')
      throw Object.assign(new Error('not here'), { code: status.NOT_FOUND })
    })
    const answer = await site.call(kind)
    expect(answer).toMatchObject({ code: status.NOT_FOUND, details: 'not here', messages: [] })
    expect(await manager.new(answer.id).get('user')).toBe('Ada')
  })

  it('a handler with `saveOnError: false`, after which nothing is saved', async () => {
    const { storage, calls } = countCalls()
    const options = { saveOnError: false }
    const site = await GrpcSite.start(
      managerOf(storage).manager,
      async session => {
        await session.set('user', 'Ada')
        throw new Error('no')
      },
      { options },
    )
    const answer = await site.call(kind)
    expect(answer).toMatchObject({ code: status.UNKNOWN, details: 'no', id: undefined })
    expect(calls).toEqual([])
  })

  it('a save after regenerateId: the client hears of the new id all the same', async () => {
    const { storage, failWith } = failOnDemand()
    const { manager } = managerOf(storage)
    const site = await GrpcSite.start(manager, async session => {
      await session.regenerateId()
      failWith(new Error(SECRET), 'merge')
      await session.set('late', true)
    })
    const id = await begin(manager)
    const answer = await site.call(kind, { id })
    expect(answer).toMatchObject({ code: status.UNAVAILABLE, messages: [] })
    expect(answer.id).toMatch(/^[\w-]{43}$/)
    expect(await manager.new(answer.id).get('user')).toBe('Ada')
  })

  describe('with `required`', () => {
    const options = { required: true }

    it('a call without a session that exists, before its handler runs', async () => {
      const { manager } = managerOf()
      const work = vi.fn(() => 'done')
      const site = await GrpcSite.start(manager, work, { options })
      for (const id of [undefined, newSessionId(), '!']) {
        const answer = await site.call(kind, { id })
        expect(answer).toMatchObject({ code: status.UNAUTHENTICATED, messages: [], id: undefined })
      }
      expect(work).not.toHaveBeenCalled()
      const id = await begin(manager)
      expect(await site.call(kind, { id })).toMatchObject({ code: status.OK, messages: ['done'] })
    })

    it('a storage that is down, which does not mean that there is no session', async () => {
      const { storage, failWith } = failOnDemand()
      const { manager, errors } = managerOf(storage)
      const id = await begin(manager)
      failWith(new Error(SECRET))
      const work = vi.fn()
      const site = await GrpcSite.start(manager, work, { options })
      expect(await site.call(kind, { id })).toMatchObject({ code: status.UNAVAILABLE })
      expect(work).not.toHaveBeenCalled()
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    })
  })

  it.each([
    ['that is cancelled', {}, (call: RunningCall) => call.cancel(), status.CANCELLED],
    ['whose deadline passes', { deadline: 300 }, () => undefined, status.DEADLINE_EXCEEDED],
  ])('a call %s keeps what was changed, and what is changed after that', async (...row) => {
    const [, options, stop, code] = row
    const { manager, errors } = managerOf()
    const id = await begin(manager)
    const [changed, goesOn] = [makeGate(), makeGate()]
    const site = await GrpcSite.start(manager, async session => {
      await session.set('before', true)
      changed.open()
      await goesOn.opened
      await session.set('after', true)
    })
    const running = startOne(site, kind, { id, ...options })
    await changed.opened
    stop(running)
    expect(await running.answer).toMatchObject({ code, messages: [] })
    await eventually(async () => expect(await manager.new(id).get('before')).toBe(true))
    goesOn.open()
    await eventually(async () => expect(await manager.new(id).get('after')).toBe(true))
    expect(errors).toEqual([])
  })

  it('a connection that breaks takes nothing with it of what was changed', async () => {
    const { manager, errors } = managerOf()
    const id = await begin(manager)
    const changed = makeGate()
    const wire = new Wire()
    const site = await GrpcSite.start(
      manager,
      async session => {
        await session.set('before', true)
        changed.open()
        await new Promise(() => undefined)
      },
      { through: port => wire.to(port) },
    )
    const running = startOne(site, kind, { id })
    await changed.opened
    wire.cut()
    expect((await running.answer).code).not.toBe(status.OK)
    await eventually(async () => expect(await manager.new(id).get('before')).toBe(true))
    expect(errors).toEqual([])
  })

  it('a save for a client that has gone is reported in the background', async () => {
    const { storage, failWith } = failOnDemand()
    const { manager, errors } = managerOf(storage)
    const id = await begin(manager)
    const changed = makeGate()
    const site = await GrpcSite.start(manager, async session => {
      await session.set('before', true)
      changed.open()
      await new Promise(() => undefined)
    })
    const running = startOne(site, kind, { id })
    await changed.opened
    failWith(new Error(SECRET), 'merge')
    running.cancel()
    await eventually(() => {
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    })
  })

  it('what would have to be told after the initial metadata has left', async () => {
    const { manager } = managerOf()
    const told: unknown[] = []
    const site = await GrpcSite.start(manager, async (session, call) => {
      call.sendMetadata(call.metadata)
      told.push(await session.regenerateId().catch(codeOf))
      told.push(await session.update('user', () => 'Ada').catch(codeOf))
      return 'done'
    })
    expect(await site.call(kind)).toMatchObject({ code: status.OK, id: undefined })
    expect(told).toEqual(['ERR_HEADERS_SENT', 'ERR_HEADERS_SENT'])
  })
})

describe('a session that is begun after the initial metadata has left', () => {
  it.each(KINDS)('cannot be saved, which is the end of the call: %s', async kind => {
    const { storage, calls } = countCalls()
    const { manager, errors } = managerOf(storage)
    const site = await GrpcSite.start(manager, async (session, call) => {
      call.sendMetadata(call.metadata)
      await session.set('user', 'Ada')
      return 'done'
    })
    expect(await site.call(kind)).toMatchObject({ code: status.INTERNAL, messages: [] })
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_HEADERS_SENT' })])
    expect(calls).toEqual([])
  })
})

describe('a change that comes after the answer', () => {
  it('is refused', async () => {
    const { manager } = managerOf()
    const refused: unknown[] = []
    const late = async (session: Session): Promise<void> => {
      refused.push(await session.set('late', true).catch(codeOf))
    }
    const site = await GrpcSite.start(manager, () => undefined, {
      handlers: {
        unary: (call: ServerUnaryCall<string, string>, callback: sendUnaryData<string>) => {
          callback(null, 'done')
          void late(sessionOf(call))
        },
        serverStream: (call: ServerWritableStream<string, string>) => {
          call.end()
          call.once('finish', () => void late(sessionOf(call)))
        },
      },
    })
    expect(await site.call('unary')).toMatchObject({ code: status.OK, messages: ['done'] })
    expect(await site.call('serverStream')).toMatchObject({ code: status.OK, messages: [] })
    await eventually(() => expect(refused).toEqual(['ERR_HEADERS_SENT', 'ERR_HEADERS_SENT']))
  })
})

describe('a handler that throws while what it sent waits for the save', () => {
  it('ends the call with its error, after what it sent', async () => {
    const { storage } = delayWrites(100)
    const { manager } = managerOf(storage)
    const site = await GrpcSite.start(manager, () => undefined, {
      handlers: {
        serverStream: (call: ServerWritableStream<string, string>) => {
          void sessionOf(call).set('user', 'Ada')
          call.write('first')
          throw new Error('no')
        },
      },
    })
    const answer = await site.call('serverStream')
    expect(answer).toMatchObject({ code: status.UNKNOWN, messages: ['first'] })
    expect(await manager.new(answer.id).get('user')).toBe('Ada')
  })
})
