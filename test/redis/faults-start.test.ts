import { Redis as IoRedis6 } from 'ioredis'
import { Redis as IoRedis5 } from 'ioredis-5'
import { Redis as IoValkey } from 'iovalkey'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import { describe, it } from 'vitest'
import type { Connected, Place } from './clients.ts'
import { failureOf, Line, pairsOf, SLACK, succeeds, TIMEOUT } from './line.ts'
import { LoopbackProxy, startServer, until } from './servers/index.ts'

const ignore = (): void => {}

/** Clients that have begun to connect. */
const STARTED: Readonly<Record<string, (place: Place) => Connected>> = {
  'node-redis 6': socket => {
    const client = createClient({ socket }).on('error', ignore)
    client.connect().catch(ignore)
    return { client, close: () => client.destroy() }
  },
  'node-redis 5': socket => {
    const client = createClient5({ socket }).on('error', ignore)
    client.connect().catch(ignore)
    return { client, close: () => client.destroy() }
  },
  'ioredis 6': place => {
    const client = new IoRedis6({ ...place }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  'ioredis 6, lazyConnect': place => {
    const client = new IoRedis6({ ...place, lazyConnect: true }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  'ioredis 5': place => {
    const client = new IoRedis5({ ...place }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
  iovalkey: place => {
    const client = new IoValkey({ ...place }).on('error', ignore)
    return { client, close: () => client.disconnect() }
  },
}

describe.concurrent('when Redis is not there at the start', () => {
  it.for(pairsOf(Object.keys(STARTED)))(
    'requests fail in time, and succeed when it is: %s, %s',
    async ([storage, name], { expect }) => {
      await using server = await startServer()
      await using proxy = await LoopbackProxy.start(server)
      await proxy.refuse()
      const connected = STARTED[name]?.({ host: proxy.host, port: proxy.port })
      if (connected === undefined) throw new Error(`No client is called ${name}`)
      await using line = Line.over(server, proxy, connected, storage, { timeout: TIMEOUT })
      for (const request of [() => line.begin(), () => line.data('0'.repeat(43))]) {
        const { error, took } = await failureOf(request())
        expect(error.code).toBe('ERR_STORAGE')
        expect(took).toBeLessThan(TIMEOUT + SLACK)
      }
      await proxy.resume()
      await until('it is there', () => succeeds(() => line.begin()))
      expect(await line.data(await line.begin())).toEqual({ user: 'Ada', views: 1 })
    },
  )

  it.for(pairsOf(['node-redis 6', 'node-redis 5', 'ioredis 6', 'ioredis 5', 'iovalkey']))(
    'and when the client was closed, requests fail at once: %s, %s',
    async ([storage, name], { expect }) => {
      await using server = await startServer()
      await using line = await Line.open(server, storage, name)
      const id = await line.begin()
      await line.disconnect()
      const { error } = await failureOf(line.data(id))
      expect(error.code).toBe('ERR_STORAGE')
      expect(error.message).toMatch(/closed/i)
    },
  )
})
