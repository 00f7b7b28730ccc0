import { Manager } from 'gsession'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, it, vi } from 'vitest'
import type { RedisClient } from '../../src/redis.ts'
import { Line, pairsOf, requestsOn, STORAGE_NAMES, STORAGES } from './line.ts'
import { freePort } from './servers/free-port.ts'
import { startServer, until } from './servers/index.ts'

const ID = 'A'.repeat(43)

/** Clients that keep no commands for later, and that nobody answers. */
const IMPATIENT: Readonly<Record<string, (port: number) => [RedisClient, () => void]>> = {
  'ioredis, enableOfflineQueue: false': port => {
    const client = new Redis({ port, enableOfflineQueue: false }).on('error', () => undefined)
    return [client, () => client.disconnect()]
  },
  'node-redis, disableOfflineQueue: true': port => {
    const options = { disableOfflineQueue: true, socket: { host: '127.0.0.1', port } }
    const client = createClient(options).on('error', () => undefined)
    client.connect().catch(() => undefined)
    return [client, () => client.destroy()]
  },
}

describe.each(STORAGE_NAMES)('%s', name => {
  it.each(Object.entries(IMPATIENT))('fails at once with %s', async (_, open) => {
    const [client, close] = open(await freePort())
    // Whoever waits for the connection waits for longer than a test may take.
    const storage = new STORAGES[name]({ client, prefix: 'app:', timeout: '1h' })
    const manager = new Manager<{ n: number }>({ storage, timeout: 0 })
    for (const work of [
      () => manager.new(ID).get('n'),
      () => manager.new().update('n', () => 1),
      () => manager.new(ID).removeAll(),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'ERR_STORAGE', status: 503 })
    }
    close()
    await manager.close()
  })
})

it.each(pairsOf(['node-redis 6', 'ioredis 6']))(
  '%s logs out where no script may run, and else names the command (%s)',
  async (name, client) => {
    await using server = await startServer()
    await using line = await Line.open(server, name, client)
    const [id, ended] = [await line.beginElsewhere(), await line.beginElsewhere()]
    const forbidden = ['-eval', '-evalsha', '-script', '-function']
    await server.call('ACL', 'SETUSER', 'default', ...forbidden)
    await line.manager.new(ended).removeAll()
    expect(await line.data(ended)).toEqual({})
    expect(await line.data(id)).toEqual({ user: 'Ada', views: 1 })
    const { regenerateId } = requestsOn(line, id)
    await expect(regenerateId?.()).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      status: 503,
      message: expect.stringMatching(/\beval(?:sha)?\b/i),
    })
    expect(await line.data(id)).toEqual({ user: 'Ada', views: 1 })
  },
)

it.each(STORAGE_NAMES)('%s with a cache closes where its connection was given up', async name => {
  const socket = { host: '127.0.0.1', port: await freePort(), reconnectStrategy: false } as const
  const client = createClient({ socket }).on('error', () => undefined)
  const storage = new STORAGES[name]({ client, prefix: 'app:', timeout: 100, cache: true })
  const duplicate = vi.spyOn(client, 'duplicate')
  const reading = storage.load(ID, 0)
  await expect(reading).rejects.toMatchObject({ code: 'ERR_STORAGE' })
  await until('it has given up', () => duplicate.mock.results[0]?.value.isOpen === false)
  await storage.close()
  await storage.close()
})
