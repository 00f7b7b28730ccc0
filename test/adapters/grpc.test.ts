import { Metadata, status } from '@grpc/grpc-js'
import { currentSession, Manager, newSessionId, SessionError, StorageMemory } from 'gsession'
import { session, sessionOf, statusOf } from 'gsession/grpc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countCalls, delayWrites } from '../helpers/http-storage.ts'
import { CLIENTS, type Connected } from '../redis/clients.ts'
import { STORAGES } from '../redis/line.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { GrpcSite, KINDS, type Work } from './grpc-site.ts'

const managerOf = (storage = new StorageMemory()): Manager => new Manager({ storage })
const count: Work = session => session.update('views', (n: number = 0) => n + 1)
const views: Work = session => session.get('views', 0)
const NEW_ID = /^[\w-]{43}$/

describe.each(KINDS)('a session of gRPC, in a call of the kind %s,', kind => {
  it('begins with an id in the initial metadata, and is there at the next call', async () => {
    const site = await GrpcSite.start(managerOf(), count)
    const first = await site.call(kind)
    expect(first).toMatchObject({ code: status.OK, messages: [1] })
    expect(first.id).toMatch(NEW_ID)

    const second = await site.call(kind, { id: first.id })
    expect(second).toMatchObject({ code: status.OK, messages: [2], id: undefined })
    expect(second.trailers.get('session-id')).toEqual([])
  })

  it('costs nothing when the handler leaves it alone', async () => {
    const { storage, calls } = countCalls()
    const site = await GrpcSite.start(managerOf(storage), () => 'done')
    for (const id of [undefined, newSessionId()]) {
      const answer = await site.call(kind, { id })
      expect(answer).toMatchObject({ code: status.OK, messages: ['done'], id: undefined })
    }
    expect(calls).toEqual([])
  })

  it('makes no id for a visitor whose session is only read', async () => {
    const { storage, calls } = countCalls()
    const site = await GrpcSite.start(managerOf(storage), views)
    expect(await site.call(kind)).toMatchObject({ messages: [0], id: undefined })
    expect(calls).toEqual([])
  })

  it.each([
    ['unknown', newSessionId(), true],
    ['malformed', '../../etc/passwd', false],
    ['empty', '', false],
    ['too long', 'a'.repeat(129), false],
    ['sent twice', [newSessionId(), newSessionId()], false],
  ])('takes an id that is %s for none', async (_, id, isSessionId) => {
    const { storage, calls } = countCalls()
    const site = await GrpcSite.start(managerOf(storage), count)
    const answer = await site.call(kind, { id })
    expect(answer).toMatchObject({ code: status.OK, messages: [1] })
    expect(answer.id).toMatch(NEW_ID)
    expect(answer.id).not.toBe(id)
    // What has not the shape of an id never reaches the storage.
    expect(calls[0]).toBe(isSessionId ? 'merge' : 'create')
  })

  it('is told, and answered, when it is saved, and not before', async () => {
    const { storage, written } = delayWrites(200)
    const site = await GrpcSite.start(managerOf(storage), async session => {
      await session.set('user', 'Ada')
      return 'done'
    })
    const running = site.start(kind)
    if (kind === 'clientStream' || kind === 'bidi') {
      running.write('message')
      running.end()
    }
    await running.initial
    expect(written()).toBe(1)
    expect(running.messages).toEqual([])
    expect(await running.answer).toMatchObject({ code: status.OK, messages: ['done'] })
  })

  it('moves to a new id that is told, and leaves nothing under the old one', async () => {
    const manager = managerOf()
    const site = await GrpcSite.start(manager, async session => {
      if (!(await session.contains('views'))) return count(session, undefined as never)
      await session.regenerateId()
      return views(session, undefined as never)
    })
    const { id = '' } = await site.call(kind)
    const moved = await site.call(kind, { id })
    expect(moved).toMatchObject({ code: status.OK, messages: [1] })
    expect(moved.id).toMatch(NEW_ID)
    expect(moved.id).not.toBe(id)
    expect(await manager.new(id).size()).toBe(0)
    expect(await manager.new(moved.id).data()).toEqual({ views: 1 })
  })

  it('tells an empty id when it was removed', async () => {
    const manager = managerOf()
    const site = await GrpcSite.start(manager, session => session.removeAll())
    const known = manager.new()
    await known.set('user', 'Ada')
    await known.close()
    const id = await known.id()
    expect(await site.call(kind, { id })).toMatchObject({ code: status.OK, id: '' })
    expect(await manager.new(id).size()).toBe(0)
    expect(await site.call(kind)).toMatchObject({ code: status.OK, id: undefined })
  })

  it('loses nothing of parallel calls', async () => {
    const manager = managerOf(delayWrites(5).storage)
    const site = await GrpcSite.start(manager, async (session, call) => {
      await session.set(`key${call.metadata.get('n')[0]}`, true)
      return count(session, call)
    })
    const { id } = await site.call(kind, { metadata: { n: '0' } })
    const calls = Array.from({ length: 10 }, (_, n) =>
      site.call(kind, { id, metadata: { n: `${n}` } }),
    )
    const answers = await Promise.all(calls)
    expect(answers.map(({ code }) => code)).toEqual(calls.map(() => status.OK))
    const data = await manager.new(id).data()
    expect(data['views']).toBe(11)
    expect(Object.keys(data)).toHaveLength(11)
  })

  it('leaves the metadata and the trailers of the handler as they are', async () => {
    const shared = new Metadata()
    shared.set('shared', 'by all calls')
    const trailers = new Metadata()
    trailers.set('trailer', 'at the end')
    const site = await GrpcSite.start(
      managerOf(),
      async (session, call) => {
        await count(session, call)
        call.sendMetadata(shared)
      },
      { trailers },
    )
    const answer = await site.call(kind)
    expect(answer.id).toMatch(NEW_ID)
    expect(answer.initial?.get('shared')).toEqual(['by all calls'])
    expect(answer.trailers.get('trailer')).toEqual(['at the end'])
    expect(shared.getMap()).toEqual({ shared: 'by all calls' })
  })

  it('works over TLS, and under a name of your own', async () => {
    const site = await GrpcSite.start(managerOf(), count, {
      isSecure: true,
      options: { name: 'x-visitor' },
    })
    const first = await site.call(kind)
    expect(first).toMatchObject({ messages: [1], id: undefined })
    const [id = ''] = first.initial?.get('x-visitor') ?? []
    expect(id).toMatch(NEW_ID)
    const second = await site.call(kind, { metadata: { 'x-visitor': id.toString() } })
    expect(second.messages).toEqual([2])
  })

  it('is found by currentSession with `asyncContext`, and not without', async () => {
    const current: Work = async session => {
      await count(session, undefined as never)
      return currentSession() === session
    }
    const options = { asyncContext: true }
    const site = await GrpcSite.start(managerOf(), current, { options })
    expect(await site.call(kind)).toMatchObject({ code: status.OK, messages: [true] })
    const without = await GrpcSite.start(managerOf(), current)
    expect(await without.call(kind)).toMatchObject({ code: status.INTERNAL, messages: [] })
  })
})

describe.each(Object.keys(STORAGES) as (keyof typeof STORAGES)[])('%s behind gRPC', name => {
  let server: RedisServer
  let connected: Connected
  beforeAll(async () => {
    server = await startServer()
    const connect = CLIENTS['node-redis 6']
    if (connect === undefined) throw new Error('There is no such client')
    connected = await connect(server)
  })
  afterAll(async () => {
    await connected.close()
    await server.close()
  })

  it.each(KINDS)('keeps the session from call to call: %s', async kind => {
    const storage = new STORAGES[name]({ client: connected.client, prefix: `${kind}:` })
    await using manager = new Manager({ storage })
    const site = await GrpcSite.start(manager, count)
    const { id } = await site.call(kind)
    expect(id).toMatch(NEW_ID)
    const answers = await Promise.all([site.call(kind, { id }), site.call(kind, { id })])
    expect(answers.flatMap(({ messages }) => messages).sort()).toEqual([2, 3])
  })
})

describe('the options of gRPC', () => {
  it.each([
    [
      'an unknown one',
      { cookie: false },
      /Unknown option `cookie`.*name, required, saveOnError, as/,
    ],
    ['a binary key', { name: 'session-bin' }, /Expected `name` to be a metadata key/],
    ['a key of gRPC itself', { name: 'grpc-session' }, /Expected `name` to be a metadata key/],
    ['a key of HTTP/2', { name: 'te' }, /Expected `name` to be a metadata key/],
    ['a key in upper case', { name: 'Session-Id' }, /Expected `name` to be a metadata key/],
    ['what is no text', { name: 1 }, /Expected `name` to be a metadata key/],
    ['a key with a space', { name: 'session id' }, /Expected `name` to be a metadata key/],
    ['no boolean', { required: 'yes' }, /Expected `required` to be true or false, got "yes"/],
    ['no boolean either', { saveOnError: 1 }, /Expected `saveOnError` to be true or false, got 1/],
  ])('refuse %s', (_, options, message) => {
    const make = () => session(managerOf(), options as object)
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(make).toThrow(message)
  })
})

describe('sessionOf', () => {
  it('says what to do for a call without a session', () => {
    expect(() => sessionOf({ metadata: new Metadata() })).toThrow(
      expect.objectContaining({
        code: 'ERR_CONTEXT',
        message: expect.stringMatching(/interceptors/),
      }),
    )
  })
})

describe('statusOf', () => {
  it.each([
    ['ERR_STORAGE', status.UNAVAILABLE],
    ['ERR_CLOSED', status.UNAVAILABLE],
    ['ERR_GONE', status.ABORTED],
    ['ERR_CONFLICT', status.ABORTED],
    ['ERR_UNREADABLE', status.INTERNAL],
    ['ERR_VALUE', status.INTERNAL],
    ['ERR_HEADERS_SENT', status.INTERNAL],
  ] as const)('gives %s a status, and not its message', (errorCode, code) => {
    const answer = statusOf(new SessionError(errorCode, 'redis://10.0.0.7 said no'))
    expect(answer).toEqual({ code, details: expect.not.stringContaining('10.0.0.7') })
  })

  it('leaves errors of others as they are', () => {
    const error = Object.assign(new Error('not here'), { code: status.NOT_FOUND })
    expect(statusOf(error)).toBe(error)
    expect(statusOf('a text')).toEqual({ code: status.UNKNOWN, details: 'Unknown error' })
  })
})
