import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { failureOf, Line, PAIRS, pairsOf, requestsOn, setKey, succeeds, TIMEOUT } from './line.ts'
import { type RedisServer, startServer, until } from './servers/index.ts'

/** The server, which each test has for itself. */
let server: RedisServer
beforeAll(async () => {
  server = await startServer({ isPersistent: true, config: { 'maxmemory-policy': 'noeviction' } })
})
afterAll(() => server.close())
afterEach(async () => {
  await server.call('CLIENT', 'UNPAUSE')
  await server.call('REPLICAOF', 'NO', 'ONE')
  await server.call('CONFIG', 'SET', 'maxmemory', 0)
})

/** What a server does to one client it does to the others of a library, too. */
const FEW = pairsOf(['node-redis 6', 'ioredis 6'])

describe('a server that', () => {
  it.for(PAIRS)(
    'comes back empty has no sessions, and keeps new ones: %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin()
      await server.restart({ keepsData: false })
      await line.ready()
      expect(await line.data(id)).toEqual({})
      const session = line.manager.new(await line.begin({ user: 'Bob', views: 1 }))
      expect(await session.update('views', (n = 0) => n + 1)).toBe(2)
      expect(await line.data(await session.regenerateId())).toEqual({ user: 'Bob', views: 2 })
    },
  )

  it.for(FEW)(
    'is killed loses nothing that it had on its disk: %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin({ views: 0, user: 'Ada' })
      let acknowledged = 0
      let failed = 0
      let isOver = false
      const work = async () => {
        while (!isOver) {
          const update = () => line.manager.new(id).update('views', (n = 0) => n + 1)
          if (await succeeds(update)) acknowledged++
          else failed++
        }
      }
      const working = work()
      await until('some are acknowledged', () => acknowledged > 20)
      await server.restart({ keepsData: true })
      const before = acknowledged
      await until('it works again', () => acknowledged > before + 1)
      isOver = true
      await working
      const { views = 0, user } = await line.data(id)
      expect(user).toBe('Ada')
      expect(views).toBeGreaterThanOrEqual(acknowledged)
      // What failed may have been done: nobody could say so any more.
      expect(views).toBeLessThanOrEqual(acknowledged + failed)
    },
  )

  it.for(PAIRS)(
    'kills the connections is connected to again (CLIENT KILL): %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin()
      const { connections } = line.proxy.counts
      await server.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await until('the client is back', () => line.proxy.counts.connections > connections)
      await line.ready()
      expect(await line.manager.new(id).update('views', (n = 0) => n + 1)).toBe(2)
    },
  )

  it.for(FEW)(
    'pauses writes makes them fail in time, and then goes on: %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client, { timeout: TIMEOUT })
      const id = await line.beginElsewhere()
      await server.call('CLIENT', 'PAUSE', 10_000, 'WRITE')
      expect(await line.recovered(id)).toEqual({ user: 'Ada', views: 1 })
      const { error } = await failureOf(setKey(line, id, 'other', 'x'))
      expect(error.message).toContain(`within ${TIMEOUT} ms`)
      await server.call('CLIENT', 'UNPAUSE')
      await until('it is written', () => succeeds(() => setKey(line, id, 'other', 'y')))
      expect(await line.recovered(id)).toEqual({ user: 'Ada', views: 1, other: 'y' })
    },
  )

  it.for(FEW)(
    'sleeps makes requests fail in time, and then goes on: %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client, { timeout: 100 })
      const id = await line.beginElsewhere()
      const sleeping = server.call('DEBUG', 'SLEEP', '0.3')
      await until('it sleeps', async () => !(await succeeds(() => line.data(id))))
      await sleeping
      expect(await line.recovered(id)).toEqual({ user: 'Ada', views: 1 })
    },
  )

  it.for(FEW)(
    'is a replica refuses to write and lets read (READONLY): %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin()
      await server.call('REPLICAOF', '127.0.0.1', 1)
      expect(await line.data(id)).toEqual({ user: 'Ada', views: 1 })
      const { get, data, contains, id: _, ...writes } = requestsOn(line, id)
      for (const write of [...Object.values(writes), () => line.manager.new(id).removeAll()]) {
        const { error } = await failureOf(write())
        expect(error.code).toBe('ERR_STORAGE')
        expect(error.message).toContain('READONLY')
      }
      await server.call('REPLICAOF', 'NO', 'ONE')
      expect(await line.manager.new(id).update('views', (n = 0) => n + 1)).toBe(2)
    },
  )

  it.for(FEW)(
    'has no memory left refuses to write, and lets read and remove (OOM): %s, %s',
    async ([storage, client]) => {
      await using line = await Line.open(server, storage, client)
      const [id, other] = [await line.begin(), await line.begin()]
      await server.call('CONFIG', 'SET', 'maxmemory', 1)
      const { set, update, regenerateId, begin } = requestsOn(line, id)
      for (const write of [set, update, regenerateId, begin]) {
        const { error } = await failureOf(write?.() ?? Promise.resolve())
        expect(error.code).toBe('ERR_STORAGE')
        expect(error.message).toContain('OOM')
      }
      expect(await line.data(id)).toEqual({ user: 'Ada', views: 1 })
      expect(await line.redisKeys()).toHaveLength(2)
      await line.storage.updateTTL('0'.repeat(43), 1000)
      await line.manager.new(other).removeAll()
      expect(await line.data(other)).toEqual({})
      await server.call('CONFIG', 'SET', 'maxmemory', 0)
      expect(await line.manager.new(id).update('views', (n = 0) => n + 1)).toBe(2)
    },
  )
})
