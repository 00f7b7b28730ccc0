import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { failureOf, Line, PAIRS, requestsOn, SLACK, setKey, succeeds, TIMEOUT } from './line.ts'
import { type RedisServer, startServer, until } from './servers/index.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe.concurrent('while Redis is away', () => {
  it.for(PAIRS)(
    'every request fails in time, and none takes the session for absent: %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client, { timeout: TIMEOUT })
      const id = await line.beginElsewhere()
      await line.proxy.refuse()
      const failures = Object.entries(requestsOn(line, id)).map(async ([name, request]) => {
        const { error, took } = await failureOf(request())
        expect.soft({ name, code: error.code }).toEqual({ name, code: 'ERR_STORAGE' })
        expect.soft(error.cause, name).toBeInstanceOf(Error)
        expect.soft(took, name).toBeLessThan(TIMEOUT + SLACK)
      })
      await Promise.all(failures)
      await line.proxy.resume()
      await line.recovered(id)
    },
  )

  it.for(PAIRS)('what failed is not done later: %s, %s', async ([storage, client], { expect }) => {
    await using line = await Line.open(server, storage, client, { timeout: TIMEOUT })
    const id = await line.beginElsewhere()
    await line.proxy.refuse()
    // The client has to notice first: what it sends before that may be carried out.
    await failureOf(line.data(id))
    const session = line.manager.new(id)
    const failures = [
      session.removeAll(),
      line.manager.new(id).regenerateId(),
      line.manager.new(id).update('views', (n = 0) => n + 1),
      setKey(line, id, 'user', 'Bob'),
    ].map(failureOf)
    for (const { error } of await Promise.all(failures)) expect(error.code).toBe('ERR_STORAGE')
    await line.proxy.resume()
    expect(await line.recovered(id)).toEqual({ user: 'Ada', views: 1 })
    expect(await line.redisKeys()).toHaveLength(1)
    // The same request, made again, is carried out.
    await until('it is removed', () => succeeds(() => session.removeAll()))
    expect(await line.recovered(id)).toEqual({})
  })
})

describe.concurrent('while Redis hangs', () => {
  it.for(PAIRS)(
    'every request fails in time, those that wait for each other too: %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client, { timeout: TIMEOUT })
      const id = await line.beginElsewhere()
      line.proxy.swallowCommands()
      const updates = Array.from({ length: 5 }, async () => {
        const update = line.manager.new(id).update('views', (n = 0) => n + 1)
        const { error, took } = await failureOf(update)
        expect.soft(error.code).toBe('ERR_STORAGE')
        expect.soft(error.message).toContain(`within ${TIMEOUT} ms`)
        expect.soft(took).toBeLessThan(TIMEOUT + SLACK)
      })
      await Promise.all(updates)
      await line.proxy.resume()
      await line.cut()
      expect(await line.recovered(id)).toMatchObject({ user: 'Ada' })
    },
  )

  it.for(PAIRS)(
    'for less than the time limit, requests succeed: %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client)
      const id = await line.begin()
      line.proxy.delay({ toServer: 20, toClient: 20 })
      expect(await line.manager.new(id).update('views', (n = 0) => n + 1)).toBe(2)
      expect(await line.data(id)).toEqual({ user: 'Ada', views: 2 })
    },
  )

  it.for(PAIRS)('a late answer changes nothing: %s, %s', async ([storage, client], { expect }) => {
    await using other = await Line.open(server, storage, client)
    const id = await other.begin()
    // Somebody else changes the session, so that the answer asks for another attempt.
    const { prefix } = other
    await using line = await Line.open(server, storage, client, { timeout: 300, prefix })
    line.proxy.delay({ toClient: 600 })
    let calls = 0
    await setKey(other, id, 'views', 10)
    const sentBytes = () => line.proxy.counts.bytesToServer
    const before = sentBytes()
    const update = line.manager.new(id).update('views', (n = 0) => n + calls++)
    expect((await failureOf(update)).error.code).toBe('ERR_STORAGE')
    await until('the update has asked', () => sentBytes() > before)
    const sent = sentBytes()
    const stored = await other.data(id)
    await wait(700)
    expect(sentBytes()).toBe(sent)
    expect(await other.data(id)).toEqual(stored)
    await line.proxy.resume()
    await line.recovered(id)
  })
})

describe.concurrent('when connections break', () => {
  it.for(PAIRS)(
    'again and again, nothing acknowledged is lost: %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client, { timeout: TIMEOUT })
      const id = await line.beginElsewhere({ user: 'Ada', views: 0 })
      let acknowledged = 0
      for (let round = 0; round < 4; round++) {
        const work = async () => {
          if (await succeeds(() => line.manager.new(id).update('views', (n = 0) => n + 1))) {
            acknowledged++
          }
        }
        const works = [work(), work()]
        await line.cut()
        works.push(work())
        await Promise.all(works)
        await line.recovered(id)
      }
      const { views = 0, user } = await line.recovered(id)
      expect(user).toBe('Ada')
      expect(views).toBeGreaterThanOrEqual(acknowledged)
      expect(views).toBeLessThanOrEqual(12)
    },
  )
})
