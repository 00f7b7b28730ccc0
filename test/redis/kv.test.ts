import { setTimeout as wait } from 'node:timers/promises'
import { type Manager, newSessionId } from 'gsession'
import type { RedisStorageOptions } from 'gsession/redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  commandsOf,
  connect,
  immortalKeys,
  KIND_NAMES,
  KINDS,
  openManager,
} from '../fixtures/redis-lab.ts'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import type { Connected } from './clients.ts'
import { comparesAndSets, type RedisServer, SERVER_KINDS, startServer } from './servers/index.ts'

const PREFIX = 'kv:'

describe.each(SERVER_KINDS)('on %s', serverKind => {
  let server: RedisServer
  let connected: Connected
  let manager: Manager

  beforeAll(async () => {
    server = await startServer({ kind: serverKind })
    connected = await connect(server)
  })
  afterAll(async () => {
    await connected.close()
    await server.close()
  })
  beforeEach(async () => {
    await server.call('FLUSHALL')
    manager = openManager('StorageRedis', connected, PREFIX, { idAtRest: 'plain' })
  })

  const textOf = (id: string) => server.call('GET', PREFIX + id)

  /** A session as GoFrame's SETEX stores it. */
  async function beginAsGo(text: string): Promise<string> {
    const id = newSessionId()
    await server.call('SETEX', PREFIX + id, 3600, text)
    return id
  }

  describe('what GoFrame wrote', () => {
    const TEXT =
      '{"big":1265476890672672808,"float":1.0,"html":"\\u003cb\\u003e","n":41,"nil":null,"user":{"ID":9223372036854775807,"tags":["a"]}}'

    it('reads exactly, big integers included', async () => {
      const id = await beginAsGo(TEXT)
      expect(await manager.new(id).data()).toEqual({
        big: 1265476890672672808n,
        float: 1,
        html: '<b>',
        n: 41,
        nil: null,
        user: { ID: 9223372036854775807n, tags: ['a'] },
      })
    })

    it('keeps the literals that it had when another key changes', async () => {
      const id = await beginAsGo(TEXT)
      const session = manager.new(id)
      await session.set('n', 42)
      await session.close()
      expect(await textOf(id)).toBe(TEXT.replace('41', '42'))

      await manager.new(id).update('n', n => Number(n) + 1)
      const updated = TEXT.replace('41', '43').slice(0, -1)
      expect(await textOf(id)).toMatch(/,"__gsession:write":"[^"]+"\}$/)
      expect(String(await textOf(id)).startsWith(updated)).toBe(true)

      const newId = await manager.new(id).regenerateId()
      expect(String(await textOf(newId)).startsWith(updated)).toBe(true)
      expect(await textOf(id)).toBeNull()
      expect(await immortalKeys(server)).toEqual([])
    })

    it.each(['', 'null', ' null '])(
      'is no session when it is %j, and can be begun anew',
      async text => {
        const id = await beginAsGo(text)
        const session = manager.new(id)
        expect(await session.data()).toEqual({})
        await session.set('n', 1)
        await session.close()
        expect(await session.id()).not.toBe(id)
        expect(await textOf(id)).toBe(text)
        expect(await codeOf(manager.new(id).regenerateId())).toBeUndefined()

        const chosen = manager.new()
        chosen.setId(id)
        await chosen.set('user', 'ann')
        await chosen.close()
        expect(await chosen.id()).toBe(id)
        expect(await textOf(id)).toBe('{"user":"ann"}')
        expect(await immortalKeys(server)).toEqual([])
      },
    )

    it('is a session when it is {}', async () => {
      const id = await beginAsGo('{}')
      const session = manager.new(id)
      await session.set('n', 1)
      await session.close()
      expect(await session.id()).toBe(id)
    })
  })

  describe.each(KIND_NAMES)('the prefix of %s', kind => {
    it('may hold what patterns are made of, and touches nothing else', async () => {
      const prefix = '*?[a]\\{b}:^'
      const here = openManager(kind, connected, prefix, { idAtRest: 'plain' })
      const id = await begin(here, { n: 1 })
      const foreign = [`xya\\{b}:^${id}`, `*?[b]${id}`, id, `*?a\\{b}:^${id}`, prefix]
      for (const key of foreign) await server.call('SET', key, 'foreign')

      await here.new(id).update('n', n => Number(n) + 1)
      const copy = await here.new(id).regenerateId({ keepOld: true })
      const moved = await here.new(id).regenerateId()
      expect(await here.new(copy).get('n')).toBe(2)
      await here.new(moved).removeAll()
      await here.close()
      for (const key of foreign) expect(await server.call('GET', key)).toBe('foreign')
      expect(await server.call('KEYS', '*')).toHaveLength(foreign.length + 1)
    })

    it('keeps the sessions of two applications apart', async () => {
      const [one, other] = ['app1:', 'app2:'].map(prefix => openManager(kind, connected, prefix))
      const id = await begin(one as Manager, { app: 1 })
      expect(await other?.new(id).data()).toEqual({})
      const session = other?.new()
      session?.setId(id)
      await session?.set('app', 2)
      await session?.close()
      await one?.new(id).removeAll()
      expect(await other?.new(id).data()).toEqual({ app: 2 })
      expect(await one?.new(id).data()).toEqual({})
    })

    it('may be empty for plain ids alone', async () => {
      const { client } = connected
      for (const options of [{}, { idAtRest: 'hashed' }] as const) {
        const open = () => new KINDS[kind]({ client, prefix: '', ...options })
        expect(open).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
      }
      const bare = openManager(kind, connected, '', {
        idAtRest: 'plain',
        redis: { idAtRest: 'plain' },
      })
      const id = await begin(bare, { n: 1 })
      expect(await server.call('EXISTS', id)).toBe(1)
      expect(await bare.new(id).data()).toEqual({ n: 1 })
    })
  })

  describe.each(KIND_NAMES)('the options of %s', kind => {
    it.each([
      { client: undefined },
      { client: null },
      { client: 'redis://localhost' },
      { client: {} },
      { client: new Map() },
      { client: fetch },
      { prefix: undefined },
      { prefix: 7 },
      { prefix: null },
      { timeout: 0 },
      { timeout: -1 },
      { timeout: Number.NaN },
      { timeout: 'soon' },
      { cache: 'yes' },
      { ttl: '1h' },
    ])('refuse %o', async wrong => {
      const options = { client: connected.client, prefix: PREFIX, ...wrong }
      const open = () => new KINDS[kind](options as RedisStorageOptions)
      expect(open).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    })
  })

  /** What a rival of `StorageRedis` and `StorageRedisHashTable` does: it changes the key first. */
  const RIVALS = {
    StorageRedis: (key: string, n: number) => ['SET', key, `{"n":${n}}`, 'PX', '3600000'],
    StorageRedisHashTable: (key: string, n: number) => ['HSET', key, 'n', String(n)],
  } as const

  describe.each(KIND_NAMES)('%s, when others come first', kind => {
    const options = { idAtRest: 'plain', timeout: '20s', redis: { timeout: '20s' } } as const

    /** Lets a rival change a session before each of so many writes of a client that is real otherwise. */
    async function rivalled(times: number) {
      const client = createClient({ socket: { host: server.host, port: server.port } })
      client.on('error', () => {})
      await client.connect()
      const rival = { key: '', came: 0 }
      const withCommandOptions = client.withCommandOptions.bind(client)
      const withRival = (options: object) => {
        const inner = withCommandOptions(options)
        const sendCommand = inner.sendCommand.bind(inner)
        inner.sendCommand = async (args, ...rest) => {
          const isWrite = String(args[0]).startsWith('eval') || args.includes('ifeq')
          if (isWrite && rival.key !== '' && rival.came < times) {
            await server.call(...RIVALS[kind](rival.key, 1000 + rival.came++))
          }
          return sendCommand(args, ...rest)
        }
        return inner
      }
      Object.assign(client, { withCommandOptions: withRival })
      return { connected: { client, close: () => client.destroy() }, rival }
    }

    /** A session, `n` of which is 1, of a storage that knows by now whether the server compares by itself. */
    async function beginKnowing(here: Manager): Promise<string> {
      const id = await begin(here, { n: 0 })
      await here.new(id).update('n', () => 1)
      return id
    }

    it('tries again until it comes first, from what is there by then', async () => {
      const { connected, rival } = await rivalled(20)
      const here = openManager(kind, connected, PREFIX, options)
      const id = await beginKnowing(here)
      rival.key = PREFIX + id
      expect(await here.new(id).update('n', n => Number(n) + 1)).toBe(1020)
      expect(await here.new(id).get('n')).toBe(1020)
      expect(rival.came).toBe(20)
      await connected.close()
    })

    it('gives up with ERR_CONFLICT when they always do, and has stored nothing', async () => {
      const { connected, rival } = await rivalled(Number.POSITIVE_INFINITY)
      const here = openManager(kind, connected, PREFIX, options)
      const id = await beginKnowing(here)
      const session = here.new(id)
      await session.get('n')
      rival.key = PREFIX + id
      let runs = 0
      const update = session.update('n', () => {
        runs++
        return -1
      })
      await expect(update).rejects.toMatchObject({ name: 'SessionError', code: 'ERR_CONFLICT' })
      expect(runs).toBeLessThanOrEqual(1000)
      expect(rival.came).toBe(runs)

      rival.key = ''
      expect(await here.new(id).get('n')).toBe(1000 + rival.came - 1)
      expect(await session.update('n', n => Number(n) + 1)).toBe(1000 + rival.came)
      await connected.close()
    })
  })

  it('StorageRedis says what is wrong with a key of another type, and leaves it alone', async () => {
    const id = newSessionId()
    await server.call('RPUSH', PREFIX + id, 'foreign')
    await server.call('PEXPIRE', PREFIX + id, 60_000)
    const here = openManager('StorageRedis', connected, PREFIX, { idAtRest: 'plain' })
    const error: unknown = await here
      .new(id)
      .get('n')
      .catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('WRONGTYPE'),
    })
    expect(String(error)).not.toContain(id)
    expect(await codeOf(here.new(id).update('n', () => 1))).toBe('ERR_STORAGE')
    expect(await server.call('LRANGE', PREFIX + id, 0, -1)).toEqual(['foreign'])
  })

  describe('a write', () => {
    const compares = comparesAndSets(serverKind)
    const set = async (where: Manager, id: string, n: number) => {
      const session = where.new(id)
      await session.set('n', n)
      await session.close()
    }

    it('is one command where the server compares, else a script, which each storage finds out once', async () => {
      const id = await begin(manager, { n: 1 })
      const first = await commandsOf(server, () => set(manager, id, 2))
      expect(first.filter(name => name !== 'eval')).toEqual(compares ? ['set'] : ['set', 'evalsha'])
      const later = await commandsOf(server, () => set(manager, id, 3))
      expect(later).toEqual([compares ? 'set' : 'evalsha'])
      expect(await textOf(id)).toBe('{"n":3}')
    })

    it('begins again with what somebody else wrote, and then has ended nothing', async () => {
      const other = openManager('StorageRedis', connected, PREFIX, { idAtRest: 'plain' })
      const id = await begin(manager, { n: 1 })
      await set(manager, id, 2)
      await other.new(id).update('other', () => true)
      const again = await commandsOf(server, () => set(manager, id, 3))
      expect(again).toEqual(compares ? ['set', 'get', 'set'] : ['evalsha', 'evalsha'])
      expect(await manager.new(id).data()).toEqual({ n: 3, other: true })
      expect(await immortalKeys(server)).toEqual([])
    })
  })

  describe('changes of one session that wait for each other in a process', () => {
    /** As many requests as there are keys, each with the session of its own. */
    const setEach = (id: string, keys: readonly string[]) =>
      keys.map(key => {
        const session = manager.new(id)
        void session.set(key, true)
        return session.close()
      })

    it('are one write, and none is lost', async () => {
      const id = await begin(manager, { a: 1 })
      await Promise.all(setEach(id, ['b', 'c']))
      const keys = Array.from({ length: 50 }, (_, n) => `k${n}`)
      const sent = await commandsOf(server, () => Promise.all(setEach(id, keys)))
      const replace = comparesAndSets(serverKind) ? 'set' : 'evalsha'
      expect(sent).toEqual([replace, replace])
      expect(Object.keys(await manager.new(id).data())).toEqual(['a', 'b', 'c', ...keys])
    })

    it('do not overtake what was asked for in between', async () => {
      const id = await begin(manager, { n: 0 })
      const order = [
        manager.new(id).update('n', n => Number(n) + 1),
        ...setEach(id, ['n']),
        manager.new(id).update('n', n => (n === true ? 'after' : 'before')),
        ...setEach(id, ['late']),
      ]
      expect(await Promise.all(order)).toEqual([1, undefined, 'after', undefined])
      expect(await manager.new(id).data()).toEqual({ n: 'after', late: true })
    })

    it('are all told when the session is gone', async () => {
      const id = await begin(manager, { n: 0 })
      const sessions = await Promise.all(
        [1, 2, 3].map(async n => {
          const session = manager.new(id)
          await session.get('n')
          await session.set('n', n)
          return session
        }),
      )
      await server.call('DEL', PREFIX + id)
      const codes = await Promise.all(sessions.map(session => codeOf(session.close())))
      expect(codes).toEqual(['ERR_GONE', 'ERR_GONE', 'ERR_GONE'])
      expect(await server.call('EXISTS', PREFIX + id)).toBe(0)
    })

    it('are all told when the storage fails, and stored by the next close', async () => {
      const id = await begin(manager, { n: 0 })
      await server.call('RENAME', PREFIX + id, 'aside')
      await server.call('RPUSH', PREFIX + id, 'foreign')
      const sessions = await Promise.all(
        ['a', 'b', 'c'].map(async key => {
          const session = manager.new(id)
          await session.set(key, true)
          return session
        }),
      )
      const codes = await Promise.all(sessions.map(session => codeOf(session.close())))
      expect(codes).toEqual(['ERR_STORAGE', 'ERR_STORAGE', 'ERR_STORAGE'])
      await server.call('DEL', PREFIX + id)
      await server.call('RENAME', 'aside', PREFIX + id)
      await Promise.all(sessions.map(session => session.close()))
      expect(await manager.new(id).data()).toEqual({ n: 0, a: true, b: true, c: true })
    })

    it('have each their own time, though another that came first has run out of it', async () => {
      const options = { idAtRest: 'plain', redis: { timeout: '3s' } } as const
      const here = openManager('StorageRedis', connected, PREFIX, options)
      const id = await begin(here, { n: 0 })
      const set = (key: string): Promise<string | undefined> => {
        const session = here.new(id)
        void session.set(key, true)
        return codeOf(session.close())
      }
      await server.call('CLIENT', 'PAUSE', 60_000, 'WRITE')
      const first = set('a')
      await wait(100)
      // Has its turn, and writes for the third one too, when the time of the first one is over.
      const second = set('b')
      await wait(2600)
      const third = set('c')
      expect(await first).toBe('ERR_STORAGE')
      expect(await second).toBe('ERR_STORAGE')
      await server.call('CLIENT', 'UNPAUSE')
      expect(await third).toBe(undefined)
      expect(await here.new(id).get('c')).toBe(true)
    })
  })
})
