import { createHash } from 'node:crypto'
import { goframe, Manager, newSessionId } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect, KIND_NAMES, KINDS, type KindName, openManager } from '../fixtures/redis-lab.ts'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import type { Connected } from './clients.ts'
import { LoopbackProxy, type RedisServer, startServer, until } from './servers/index.ts'

let server: RedisServer
let connected: Connected
beforeAll(async () => {
  server = await startServer()
  connected = await connect(server)
})
afterAll(async () => {
  await connected.close()
  await server.close()
})
beforeEach(() => server.call('FLUSHALL'))

/** What else is kept in a database, and how it gets there. */
const FOREIGN: Readonly<Record<string, (key: string) => readonly (string | number)[]>> = {
  'a JSON object': key => ['SET', key, '{"user":"root","admin":true}'],
  'a JSON array': key => ['SET', key, '[1,2]'],
  'a JSON text': key => ['SET', key, '"x"'],
  'a number': key => ['SET', key, 7],
  'a text': key => ['SET', key, 'feature on'],
  'an empty text': key => ['SET', key, ''],
  null: key => ['SET', key, 'null'],
  'a text with a ttl': key => ['SET', key, 'token', 'PX', 50_000],
  'a hash': key => ['HSET', key, 'user', 'root', 'n', 1],
  'a list': key => ['RPUSH', key, 'a', 'b'],
  'a set': key => ['SADD', key, 'a', 'b'],
  'a sorted set': key => ['ZADD', key, 1, 'a'],
  'a stream': key => ['XADD', key, '1-1', 'a', 'b'],
}

/** Names that look like names, and such as programs make: an MD5, an UUID without hyphens, a made id. */
const NAMES: readonly string[] = [
  'users',
  'user-42',
  createHash('md5').update('page').digest('hex'),
  createHash('sha256').update('page').digest('hex'),
  newSessionId(),
]

/** Everything that the server holds, with what it is worth and how long it has to live, roughly. */
async function everything(): Promise<unknown> {
  const keys = [await server.call('KEYS', '*')].flat().map(String).sort()
  return Promise.all(
    keys.map(async key => {
      const left = Number(await server.call('PTTL', key))
      return [key, await server.call('DUMP', key), left < 0 ? left : Math.round(left / 10_000)]
    }),
  )
}

/** Everything that a client can bring about by the id in its cookie, and what it learns from it. */
async function tryAll(manager: Manager, id: string): Promise<unknown[]> {
  const open = () => manager.new(id)
  const requests: (() => Promise<unknown>)[] = [
    () => open().data(),
    () => open().get('user', 'nobody'),
    () => open().contains('user'),
    async () => {
      const unread = open()
      await unread.set('other', 1)
      await unread.close()
      await manager.new(await unread.id()).removeAll()
    },
    async () => {
      const updated = open()
      await updated.update('other', () => 1)
      await manager.new(await updated.id()).removeAll()
    },
    async () => manager.new(await open().regenerateId()).removeAll(),
    async () => manager.new(await open().regenerateId({ keepOld: true })).removeAll(),
    () => open().removeAll(),
  ]
  const learned: unknown[] = []
  for (const request of requests) learned.push(await request().catch(error => error.code))
  return learned
}

const HASH = ['HSET', 'cache', 'user', 'root'] as const
const NOTHING = { set: new Map<string, string>(), removed: new Set<string>() }

describe.each(KIND_NAMES)("%s, where a cookie can name somebody else's key", kind => {
  const open = (prefix: string) =>
    openManager(kind, connected, prefix, {
      idAtRest: 'plain',
      redis: { idAtRest: 'plain' },
      refreshInterval: 1,
    })

  const cases = Object.keys(FOREIGN)
    .flatMap(what => ['', 'app:'].map(prefix => [what, prefix] as const))
    // With a ttl and under a prefix, a text may be a damaged session.
    .filter(([what, prefix]) => what !== 'a text with a ttl' || prefix === '')

  it.each(cases)('neither reads nor touches %s, prefix %j', async (what, prefix) => {
    const manager = open(prefix)
    for (const name of NAMES) {
      // Under a prefix, nobody else has a key that ends with a made id.
      if (prefix !== '' && /^(?:.{32}|.{43}|.{64})$/.test(name)) continue
      await server.call(...(FOREIGN[what]?.(prefix + name) ?? ['PING']))
      const before = await everything()
      const learned = await tryAll(manager, name)
      await manager.flush()
      expect(await everything()).toEqual(before)
      expect(JSON.stringify(learned)).not.toContain('root')
      expect(learned.slice(0, 3)).toEqual([{}, 'nobody', false])
      await server.call('FLUSHALL')
    }
  })

  it("neither reads nor touches somebody else's ephemeral objects with names of words", async () => {
    const manager = open('')
    const set = kind === 'StorageRedis' ? ['SET', 'cache', '{"user":"root"}'] : HASH
    await server.call(...set)
    await server.call('PEXPIRE', 'cache', 50_000)
    const before = await everything()
    const learned = await tryAll(manager, 'cache')
    expect(await everything()).toEqual(before)
    expect(learned.slice(0, 3)).toEqual([{}, 'nobody', false])
  })
  it.each(['', 'app:'])(
    'refuses to overwrite it when the application asks, prefix %j',
    async prefix => {
      const storage = new KINDS[kind]({ client: connected.client, prefix, idAtRest: 'plain' })
      await server.call('SET', `${prefix}users`, '{"user":"root"}')
      await server.call('HSET', `${prefix}visits`, 'user', 'root')
      const before = await everything()
      for (const id of ['users', 'visits']) {
        const requests = [
          () => storage.setSession(id, { a: 1 }, 1000),
          () => storage.set(id, 'a', 1, 1000),
          () => storage.setMap(id, { a: 1 }, 1000),
          () => storage.remove(id, 'user'),
          () => storage.updateTTL(id, 1000),
          () => storage.removeAll(id),
          async () => storage.create(id, new Map([['a', '1']]), 1000),
          async () => storage.rotate(id, newSessionId(), NOTHING, 1000, false),
        ]
        for (const request of requests) await request().catch(() => undefined)
        expect(await storage.peek(id)).toBeUndefined()
      }
      expect(await everything()).toEqual(before)
    },
  )
  it.each(['', 'app:'])(
    'works with sessions of GoFrame and of its own, prefix %j',
    async prefix => {
      const manager = open(prefix)
      const ids = [newSessionId(), 'c0ffee1234abcdefghijklmnopqrstuv']
      for (const id of ids) {
        await storeAsGo(kind, prefix + id)
        expect(await manager.new(id).get('user')).toBe('ann')
        expect(await manager.new(id).update('other', () => 'x')).toBe('x')
        await manager.flush()
        const left = Number(await server.call('PTTL', prefix + id))
        expect(left).toBeGreaterThan(60_000)
        const moved = await manager.new(id).regenerateId()
        expect(await manager.new(moved).data()).toEqual({ user: 'ann', other: 'x' })
        expect(await manager.new(id).data()).toEqual({})
        await manager.new(moved).removeAll()
      }
      const own = await begin(manager, { n: 1 })
      expect(await manager.new(own).data()).toEqual({ n: 1 })
      await manager.new(own).removeAll()
      expect(await everything()).toEqual([])
    },
  )

  it('takes no prefix for chosen ids that may be names, and says so', async () => {
    const chosen = open('').new()
    chosen.setId('users')
    await chosen.set('a', 1)
    expect(await codeOf(chosen.close())).toBe('ERR_ID')
    expect(await everything()).toEqual([])
  })

  it('looks in the same round trip', async () => {
    await using proxy = await LoopbackProxy.start(server)
    const near = await connect(proxy)
    const storage = new KINDS[kind]({
      client: near.client,
      prefix: '',
      idAtRest: 'plain',
      timeout: '20s',
    })
    const id = newSessionId()
    proxy.swallowReplies()
    const answer = Promise.resolve(storage.load(id, 1000)).catch(() => undefined)
    await until('both are sent', () => {
      const names = proxy.commands.map(([name]) => name)
      return names.includes('pttl') && names.some(name => name === 'get' || name === 'hgetall')
    })
    await near.close()
    await answer
  })
})

async function storeAsGo(kind: KindName, key: string): Promise<void> {
  if (kind === 'StorageRedis') await server.call('SETEX', key, 60, '{"user":"ann"}')
  else {
    await server.call('HSET', key, 'user', 'ann')
    await server.call('EXPIRE', key, 60)
  }
}

describe('goframe()', () => {
  it.each([StorageRedis, StorageRedisHashTable])('demands a prefix for %o', Kind => {
    const { client } = connected
    const open = () => new Kind({ client, ...(goframe().redis as { prefix: string }) })
    expect(open).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
    expect(open).toThrow(/`prefix`/)
    expect(new Kind({ client, ...goframe({ prefix: 'go:' }).redis })).toBeInstanceOf(Kind)
    expect(new Kind({ client, ...goframe({ prefix: '' }).redis })).toBeInstanceOf(Kind)
  })

  it.each(['users', 'cache'])(
    'answers a cookie that names the key %s as one without',
    async key => {
      const preset = goframe({ prefix: '' })
      const storage = new StorageRedis({ client: connected.client, ...preset.redis })
      await using manager = new Manager({ ...preset.manager, storage })
      await server.call('SET', key, '{"user":"root"}')
      const before = await everything()
      const handler: Handler = async (request, response) => {
        const user = await request.session.get('user', 'nobody')
        if (request.url === '/out') await request.session.removeAll()
        response.end(user)
      }
      const { port } = await serve('http', manager, handler, preset.http)
      for (const path of ['/', '/out']) {
        const headers = { cookie: `gfsessionid=${key}` }
        const answer = await fetch(`http://localhost:${port}${path}`, { headers })
        expect([answer.status, await answer.text()]).toEqual([200, 'nobody'])
      }
      expect(await everything()).toEqual(before)
    },
  )
})
