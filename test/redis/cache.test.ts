import { setTimeout as wait } from 'node:timers/promises'
import { Manager, type Session } from 'gsession'
import { type RedisClient, StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashSessionId } from '../../src/core/session-id.ts'
import { storageContract } from '../../src/testing/index.ts'
import {
  CLIENT_NAMES,
  CLIENTS,
  CLUSTER_CLIENTS,
  type Connected,
  SENTINEL_CLIENTS,
} from './clients.ts'
import { countCommands, type RedisServer, startServer, until } from './servers/index.ts'

const KINDS = { StorageRedis, StorageRedisHashTable }
let server: RedisServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** The names of the commands that a piece of work sends, those of scripts left out. */
async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  const seen = await countCommands(server, async () => {
    await work()
  })
  return seen.filter(({ from }) => from !== 'lua').map(({ args }) => String(args[0]).toLowerCase())
}

describe.each(CLIENT_NAMES)('the read cache, %s', clientName => {
  let connected: Connected
  beforeAll(async () => {
    connected = await (CLIENTS[clientName] ?? neverCalled)(server)
  })
  afterAll(() => connected.close())

  describe.each(Object.entries(KINDS))('%s', (kindName, Kind) => {
    const prefix = `${clientName}:${kindName}:`
    const open = (cache: boolean): Manager => {
      const storage = new Kind({ client: connected.client, prefix, cache, timeout: '20s' })
      return new Manager({ storage })
    }

    it('serves without a round trip what nobody has changed', async () => {
      await using here = open(true)
      const id = await begin(here)
      await warm(here, id)

      expect(await commandsOf(() => here.new(id).get('n'))).toEqual([])
      expect(await commandsOf(() => here.new(id).data())).toEqual([])
    })

    it('sees at once what this process changes', async () => {
      await using here = open(true)
      const id = await begin(here)
      await warm(here, id)
      for (let n = 2; n < 50; n++) {
        await here.new(id).update('n', () => n)
        expect(await here.new(id).get('n')).toBe(n)
      }
      await here.new(id).removeAll()
      expect(await here.new(id).get('n')).toBeUndefined()
    })

    it('sees what another node changes or removes as soon as Redis tells of it', async () => {
      await using here = open(true)
      await using there = open(false)
      const id = await begin(here)
      for (let n = 2; n < 30; n++) {
        await warm(here, id)
        await there.new(id).update('n', () => n)
        await until('it holds', async () => (await here.new(id).get('n')) === n)
      }
      await warm(here, id)
      await there.new(id).removeAll()
      await until('it holds', async () => (await here.new(id).get('n')) === undefined)
    })

    it('keeps nothing that changed while it was read', async () => {
      await using here = open(true)
      await using there = open(false)
      const id = await begin(here)
      await warm(here, id)
      for (let n = 2; n < 200; n++) {
        await Promise.all([there.new(id).update('n', () => n), here.new(id).get('n')])
      }
      await until('it holds', async () => (await here.new(id).get('n')) === 199)
      await wait(20)
      expect(await here.new(id).get('n')).toBe(199)
    })

    it('serves no session beyond its ttl', async () => {
      const storage = new Kind({ client: connected.client, prefix, cache: true, timeout: '20s' })
      await using here = new Manager({ storage, ttl: 300 })
      const id = await begin(here)
      const end = performance.now() + 300
      // Through the storage, which does not count as a use.
      while (performance.now() < end) await storage.load(hashSessionId(id), 300)
      await wait(10)
      expect(await storage.load(hashSessionId(id), 300)).toBeUndefined()
    })

    it('asks Redis while its connection is lost, and goes on when it is back', async () => {
      await using here = open(true)
      await using there = open(false)
      const id = await begin(here)
      await warm(here, id)
      await server.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until('it holds', async () => {
        const update = there.new(id).update('n', () => 7)
        return update.then(
          () => true,
          () => false,
        )
      })
      await until(
        'it holds',
        async () =>
          (await here
            .new(id)
            .get('n')
            .catch(() => 0)) === 7,
      )
      await warm(here, id)
      expect(await commandsOf(() => here.new(id).get('n'))).toEqual([])
    })
  })
})

describe.each(Object.entries(KINDS))('the contract with a read cache', (name, Kind) => {
  const connections: Connected[] = []
  let opened = 0
  beforeAll(async () => {
    connections.push(await (CLIENTS['node-redis 6'] ?? neverCalled)(server))
  })
  afterAll(() => connections.map(({ close }) => close()))
  const client = (): RedisClient => connections[0]?.client ?? ({} as never)

  storageContract(
    { describe, it: it.concurrent },
    {
      name: `${name} with a read cache`,
      hasOwnClock: true,
      skip: [
        {
          test: 'writes a number back as it was when other keys change',
          reason: 'a field has the one literal that GoFrame writes for a number: 1, not 1.0',
        },
      ],
      open: () =>
        new Kind({ client: client(), prefix: `contract ${name} ${opened++}:`, cache: true }),
    },
  )
})

it('is refused for clients that talk to several nodes', () => {
  const fake = { sendCommand: async () => null }
  const cluster = { ...fake, getSlotRandomNode: () => undefined }
  const options = { client: cluster, prefix: 'a:', cache: true }
  expect(() => new StorageRedis(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
  expect(Object.keys({ ...CLUSTER_CLIENTS, ...SENTINEL_CLIENTS })).not.toEqual([])
})

async function begin(manager: Manager): Promise<string> {
  const session: Session = manager.new()
  await session.set('n', 1)
  await session.close()
  return session.id()
}

/** Reads until it takes no round trip any more. */
async function warm(manager: Manager, id: string): Promise<void> {
  await until('it holds', async () => {
    await manager.new(id).data()
    return (await commandsOf(() => manager.new(id).data())).length === 0
  })
}

function neverCalled(): never {
  throw new Error('There is no such client')
}
