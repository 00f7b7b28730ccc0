import { afterAll, beforeAll, describe, it } from 'vitest'
import { failureOf, Line, PAIRS, requestsOn } from './line.ts'
import { type RedisServer, startServer } from './servers/index.ts'

let server: RedisServer
beforeAll(async () => {
  // It tells of no changes, which is the default: nothing here needs to be told.
  server = await startServer({ config: { 'notify-keyspace-events': '""' } })
})
afterAll(() => server.close())

describe.concurrent('a server that has forgotten the scripts', () => {
  it.for(PAIRS)('is given them again: %s, %s', async ([storage, client], { expect }) => {
    await using line = await Line.open(server, storage, client)
    const id = await line.begin()
    const { set, update, begin, regenerateId } = requestsOn(line, id)
    for (const request of [set, update, begin, regenerateId]) {
      await server.call('SCRIPT', 'FLUSH')
      await request?.()
    }
    await server.call('SCRIPT', 'FLUSH')
    const session = line.manager.new(await line.begin())
    expect(await session.update('views', (n = 0) => n + 1)).toBe(2)
    await session.removeAll()
  })
})

describe.concurrent('what stands under our prefix', () => {
  it.for(PAIRS)(
    'but is of another type is an error, and stays (WRONGTYPE): %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin()
      const [redisKey = ''] = await line.redisKeys()
      await server.call('DEL', redisKey)
      await server.call('RPUSH', redisKey, 'something else')
      const { updateTTL, begin, ...requests } = requestsOn(line, id)
      const removeAll = () => line.manager.new(id).removeAll()
      for (const request of [...Object.values(requests), removeAll]) {
        const { error } = await failureOf(request())
        expect(error.code).toBe('ERR_STORAGE')
        expect(error.message).toContain('WRONGTYPE')
      }
      expect(await server.call('LRANGE', redisKey, 0, -1)).toEqual(['something else'])
      expect(await server.call('PTTL', redisKey)).toBe(-1)
    },
  )

  it.for([
    ['half a record', '{"user":"A'],
    ['no JSON', 'no JSON'],
    ['an array', '[1]'],
    ['a text', '"text"'],
    ['a control character', '\u0001'],
    ['nested too deep', `{"a":${'['.repeat(3000)}1234567890123456789${']'.repeat(3000)}}`],
  ])(
    'but makes no sense is an error once, and is kept aside (%s)',
    async ([_what = '', text = ''], { expect }) => {
      await using line = await Line.open(server, 'StorageRedis', 'ioredis 6')
      const id = await line.begin()
      const [redisKey = ''] = await line.redisKeys()
      await server.call('SET', redisKey, text, 'PX', 60_000)
      const { error } = await failureOf(line.data(id))
      expect(error.code).toBe('ERR_UNREADABLE')
      const aside = `{${redisKey}}:unreadable`
      expect(await line.redisKeys()).toEqual([aside].sort())
      expect(await server.call('GET', aside)).toBe(text)
      expect(await server.call('PTTL', aside)).toBeGreaterThan(50_000)
      const session = line.manager.new(id)
      expect(await session.data()).toEqual({})
      await session.set('user', 'Bob')
      await session.close()
      expect(await line.data(await session.id())).toEqual({ user: 'Bob' })
    },
  )
})
