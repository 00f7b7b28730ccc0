import type { Manager } from 'gsession'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  commandsOf,
  connect,
  immortalKeys,
  KIND_NAMES,
  type KindName,
  openManager,
} from '../fixtures/redis-lab.ts'
import { begin, loaded } from '../helpers/core-sessions.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import type { Connected } from './clients.ts'
import {
  comparesAndSets,
  countCommands,
  type RedisServer,
  SERVER_KINDS,
  startServer,
  until,
} from './servers/index.ts'

const HOUR = 3_600_000

describe.each(SERVER_KINDS)('on %s', serverKind => {
  let server: RedisServer
  let connected: Connected
  let opened = 0
  const managers: Manager[] = []

  beforeAll(async () => {
    server = await startServer({ kind: serverKind })
    connected = await connect(server)
    // Each script is sent as a whole once, when the server does not know it yet.
    for (const kind of KIND_NAMES) await open(kind)
  })
  afterAll(async () => {
    await connected.close()
    await server.close()
  })
  afterEach(async () => {
    expect(await immortalKeys(server)).toEqual([])
    for (const manager of managers.splice(0)) await manager.close()
  })

  async function open(
    kind: KindName,
    { refreshInterval = HOUR, prefix = `${kind}${opened++}:` } = {},
  ): Promise<Manager> {
    const manager = openManager(kind, connected, prefix, { refreshInterval })
    managers.push(manager)
    // Each storage asks once whether the server compares by itself.
    await useEverything(manager)
    return manager
  }

  /** What is sent for a piece of work; nothing may have lost its end in life meanwhile. */
  async function sent(work: () => Promise<unknown>): Promise<string> {
    const names = await commandsOf(server, work)
    expect(await immortalKeys(server)).toEqual([])
    return names.join(' ')
  }

  async function useEverything(manager: Manager): Promise<void> {
    const id = await begin(manager, { n: 0 })
    const session = manager.new(id)
    await session.update('n', () => 1)
    await session.set('late', true)
    await session.close()
    await session.regenerateId()
    await session.removeAll()
  }

  /** What a string is replaced with, if it is still the one that is expected. */
  const replace = comparesAndSets(serverKind) ? 'set' : 'evalsha'
  /** For each storage: the commands of what a session does. */
  const COSTS = {
    StorageRedis: {
      read: 'get',
      again: '',
      all: '',
      begin: 'set',
      // What this process stored before is what it expects to find.
      write: replace,
      writeElsewhere: `get ${replace}`,
      update: replace,
      updateElsewhere: `get ${replace}`,
      regenerate: 'evalsha',
      regenerateElsewhere: 'get evalsha',
      readThenWrite: `get ${replace}`,
      // When the cookie was set is known to the process that set it.
      writeOverHttp: replace,
      writeElsewhereOverHttp: `get ${replace}`,
      readThenWriteOverHttp: `get ${replace}`,
    },
    StorageRedisHashTable: {
      read: 'hmget',
      again: 'hmget',
      all: 'hgetall',
      begin: 'evalsha',
      write: 'evalsha',
      writeElsewhere: 'evalsha',
      update: 'hmget evalsha',
      updateElsewhere: 'hmget evalsha',
      regenerate: 'evalsha',
      regenerateElsewhere: 'evalsha',
      readThenWrite: 'hmget evalsha',
      // When the cookie was set is known to the process that set it.
      writeOverHttp: 'evalsha',
      writeElsewhereOverHttp: 'hmget evalsha',
      readThenWriteOverHttp: 'hmget evalsha',
    },
  }

  describe.each(KIND_NAMES)('the commands of a session, %s', kind => {
    const cost = COSTS[kind]

    it('are none while nobody touches it', async () => {
      const manager = await open(kind)
      const id = await begin(manager, { n: 1 })
      expect(await sent(() => manager.new(id).close())).toBe('')
      expect(await sent(() => manager.new().close())).toBe('')
      expect(await sent(() => manager.new().get('n'))).toBe('')
      expect(await sent(() => manager.new().data())).toBe('')
    })

    it('are one to read a key, and one for each further key of a hash, known ones for free', async () => {
      const manager = await open(kind)
      const id = await begin(manager, { a: 1, b: { nested: true }, c: 3 })
      const session = manager.new(id)
      expect(await sent(() => session.get('a'))).toBe(cost.read)
      expect(await sent(() => session.get('a'))).toBe('')
      expect(await sent(() => session.get('b'))).toBe(cost.again)
      expect(await sent(() => session.contains('none'))).toBe(cost.again)
      expect(await sent(() => session.contains('none'))).toBe('')
      expect(await sent(() => session.data())).toBe(cost.all)
      for (const key of ['a', 'b', 'c', 'other'] as const) {
        expect(await sent(() => session.var(key))).toBe('')
      }
      expect(await sent(() => Promise.all([session.size(), session.id()]))).toBe('')
    })

    it('are one for ten reads of one key at once', async () => {
      const manager = await open(kind)
      const id = await begin(manager, { a: 1 })
      const session = manager.new(id)
      const readTen = () => Promise.all(Array.from({ length: 10 }, () => session.get('a')))
      expect(await sent(readTen)).toBe(cost.read)
    })

    it('are two to read and then write, however many keys', async () => {
      const manager = await open(kind)
      const id = await begin(manager, { a: 1 })
      const session = manager.new(id)
      const work = async () => {
        await session.get('a')
        for (let n = 0; n < 20; n++) await session.set(`key${n}`, n)
        await session.remove('a')
        await session.close()
        await session.close()
      }
      expect(await sent(work)).toBe(cost.readThenWrite)
    })

    it('are one to begin a session, one to log out, and at most two to write unread', async () => {
      const prefix = `${kind}-unread:`
      const [manager, elsewhere] = [await open(kind, { prefix }), await open(kind, { prefix })]
      const login = manager.new()
      const work = async () => {
        await login.setMap({ user: 'ann', role: 'admin' })
        await login.close()
      }
      expect(await sent(work)).toBe(cost.begin)
      const id = await login.id()

      const writer = manager.new(id)
      await writer.set('n', 1)
      expect(await sent(() => writer.close())).toBe(cost.write)
      const stranger = elsewhere.new(id)
      await stranger.set('n', 2)
      expect(await sent(() => stranger.close())).toBe(cost.writeElsewhere)
      const session = await loaded(manager, id)
      expect(await sent(() => session.removeAll())).toBe('evalsha')
      expect(await sent(() => session.data())).toBe('')
      const again = manager.new(await begin(manager, { a: 1 }))
      expect(await sent(() => again.removeAll())).toBe('evalsha')
      const dirty = await loaded(manager, await begin(manager, { a: 1 }))
      await dirty.set('b', 2)
      const logOut = () => dirty.removeAll().then(() => dirty.close())
      expect(await sent(logOut)).toBe('evalsha')
    })

    it('are at most two to update and to regenerate', async () => {
      const prefix = `${kind}-updated:`
      const [manager, elsewhere] = [await open(kind, { prefix }), await open(kind, { prefix })]
      const id = await begin(manager, { n: 1 })
      const update = (where: Manager) => where.new(id).update('n', n => Number(n) + 1)
      expect(await sent(() => update(manager))).toBe(cost.update)
      expect(await sent(() => update(elsewhere))).toBe(cost.updateElsewhere)
      expect(await sent(() => update(elsewhere))).toBe(cost.update)
      const session = await loaded(manager, id)
      expect(await sent(() => session.regenerateId())).toBe(cost.regenerate)
      expect(await sent(() => session.regenerateId({ keepOld: true }))).toBe(cost.regenerate)
      const stranger = (await open(kind, { prefix })).new(await session.id())
      expect(await sent(() => stranger.regenerateId())).toBe(cost.regenerateElsewhere)
    })
  })

  describe.each(KIND_NAMES)('the commands that slide ttls, %s', kind => {
    it('are none while requests read, and one for each used session at the flush', async () => {
      const manager = await open(kind)
      const ids = await Promise.all(Array.from({ length: 200 }, () => begin(manager, { a: 1 })))
      const read = async () => {
        for (let n = 0; n < 3; n++) await Promise.all(ids.map(id => manager.new(id).get('a')))
      }
      const reads = (await commandsOf(server, read)).filter(name => name !== COSTS[kind].read)
      expect(reads).toEqual([])

      const readsBefore = await readsProcessed()
      const seen = await countCommands(server, () => manager.close())
      expect(seen.map(({ args }) => args[0])).toEqual(ids.map(() => 'pexpire'))
      expect(new Set(seen.map(({ args }) => args[1])).size).toBe(ids.length)
      // The server took them in by a few reads of the socket: they came together.
      expect((await readsProcessed()) - readsBefore).toBeLessThan(30)
    })

    it('are none for sessions that were written or removed since they were read', async () => {
      const manager = await open(kind)
      const ids = await Promise.all([1, 2, 3, 4, 5].map(() => begin(manager, { a: 1 })))
      const [written, updated, removed, moved, used] = await Promise.all(
        ids.map(id => loaded(manager, id)),
      )
      await written?.set('a', 2)
      await written?.close()
      await updated?.update('a', () => 3)
      await removed?.removeAll()
      await moved?.regenerateId()
      await used?.get('a')
      // A second one where the first has changed nothing: the session was written in the same millisecond.
      expect(await sent(() => manager.close())).toMatch(/^pexpire(?: pexpire)?$/)
    })

    it('come by themselves once an interval, and leave idle sessions alone', async () => {
      const manager = await open(kind, { refreshInterval: 100 })
      const [used, idle] = [await begin(manager, { a: 1 }), await begin(manager, { a: 1 })]
      await server.call('CONFIG', 'RESETSTAT')
      const names = await commandsOf(server, async () => {
        for (let n = 0; n < 5; n++) await manager.new(used).get('a')
        await until('the flush has come', async () => {
          const stats = await server.info('commandstats')
          return stats.get('cmdstat_pexpire') !== undefined
        })
      })
      expect(idle).not.toBe(used)
      expect(names.filter(name => name === 'pexpire')).toHaveLength(1)
    })

    it('leave a key gone that was removed by somebody else', async () => {
      const manager = await open(kind)
      const id = await begin(manager, { a: 1 })
      await manager.new(id).get('a')
      await server.call('FLUSHDB')
      await manager.close()
      expect(await server.call('DBSIZE')).toBe(0)
    })
  })

  describe.each(KIND_NAMES)('the commands of a request to node:http, %s', kind => {
    const cost = COSTS[kind]
    const handler: Handler = async ({ url, session }, response) => {
      if (url === '/login') {
        await session.regenerateId()
        await session.setMap({ user: 'ann', n: 0 })
      }
      if (url === '/logout') await session.removeAll()
      if (url === '/get' || url === '/get-set') await session.get('user')
      if (url === '/set' || url === '/get-set') await session.set('n', 1)
      if (url === '/regenerate') await session.regenerateId()
      response.end('ok')
    }

    it('are as many as the session needs, and none more for the transport', async () => {
      const site = await serve('http', await open(kind), handler)
      let cookie = ''
      const login = async () => {
        cookie = cookieFrom(await ask(site, '/login'))
      }
      expect(await sent(login)).toBe(cost.begin)
      expect(await sent(() => askAs(cookie, site, '/'))).toBe('')
      expect(await sent(() => ask(site, '/get'))).toBe('')
      expect(await sent(() => askAs(cookie, site, '/get'))).toBe(cost.read)
      expect(await sent(() => askAs(cookie, site, '/get-set'))).toBe(cost.readThenWriteOverHttp)
      expect(await sent(() => askAs(cookie, site, '/set'))).toBe(cost.writeOverHttp)
      const regenerate = async () => {
        cookie = cookieFrom(await askAs(cookie, site, '/regenerate'))
      }
      expect(await sent(regenerate)).toBe(cost.regenerate)
      expect(await sent(() => askAs(cookie, site, '/logout'))).toBe('evalsha')
      expect(await server.call('DBSIZE')).toBe(0)
    })

    it('are one more to write where another process set the cookie: when it did, and no more', async () => {
      const prefix = `${kind}${opened++}:`
      const site = await serve('http', await open(kind, { prefix }), handler)
      const other = await serve('http', await open(kind, { prefix }), handler)
      const cookie = cookieFrom(await ask(site, '/login'))
      const write = () => askAs(cookie, other, '/set')
      expect(await sent(write)).toBe(cost.writeElsewhereOverHttp)
      expect(await sent(write)).toBe(cost.writeOverHttp)
      await askAs(cookie, other, '/logout')
    })
  })

  describe.each(KIND_NAMES)('the scripts, %s', kind => {
    it('go over the line once, and no command lists keys', async () => {
      const manager = await open(kind)
      await server.call('SCRIPT', 'FLUSH')
      const first = await commandsOf(server, () => useEverything(manager))
      expect(first.filter(name => name === 'eval').length).toBeGreaterThan(0)
      const later = await commandsOf(server, async () => {
        for (let n = 0; n < 20; n++) await useEverything(manager)
      })
      expect(later).not.toContain('eval')
      const expected = ['set', 'get', 'hmget', 'hgetall', 'evalsha', 'unlink']
      for (const name of new Set([...first, ...later]))
        expect([...expected, 'eval']).toContain(name)
    })
  })

  async function readsProcessed(): Promise<number> {
    return Number((await server.info('stats')).get('total_reads_processed'))
  }
})
