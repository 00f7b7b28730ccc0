import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { RedisClient } from 'gsession/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandsOf, connect, KIND_NAMES, openManager } from '../fixtures/redis-lab.ts'
import { begin } from '../helpers/core-sessions.ts'
import { watch } from '../helpers/watched.ts'
import { CLIENT_NAMES, type Connected } from './clients.ts'
import { type RedisServer, startServer, until } from './servers/index.ts'
import { A_WHILE, listeners, openPair, watchesTellAtOnce } from './watch-pair.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const PAGE = readFileSync(new URL('../../docs/storages/redis.md', import.meta.url), 'utf8')

/** What the table of rights lists in the row of that name. */
function rightsFor(row: string): string {
  const line = PAGE.split('\n').find(each => each.startsWith(`| ${row} | `) && each.includes('`+'))
  return /`(\+[^`]+)`/.exec(line ?? '')?.[1] ?? ''
}

/** How many connections are subscribed to anything. */
async function subscribers(): Promise<number> {
  const list = String(await server.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
  return list.split('\n').filter(line => line.includes('addr=')).length
}

describe.concurrent.each(CLIENT_NAMES)('a watch, %s', name => {
  let connected: Connected
  beforeAll(async () => {
    connected = await connect(server, name)
  })
  afterAll(() => connected.close())

  it.each(KIND_NAMES)('tells once of what another node removes or moves, %s', async kind => {
    const listening = async (prefix: string): Promise<boolean> =>
      (await listeners(server, prefix)) === 1
    await watchesTellAtOnce(kind, connected, listening)
  })

  it.each(KIND_NAMES)('tells of an expiry, and does not put it off, %s', async kind => {
    await using pair = openPair(kind, connected, { ttl: 700 })
    const began = performance.now()
    const watched = watch(pair.here, await begin(pair.there, { a: 1 }))
    await watched.ended()
    expect(performance.now() - began).toBeGreaterThanOrEqual(690)
    expect(performance.now() - began).toBeLessThan(15_000)
    await wait(A_WHILE)
    expect(watched.count).toBe(1)
  })
})

describe.each(KIND_NAMES)('a watch, %s', kind => {
  let connected: Connected
  beforeAll(async () => {
    connected = await connect(server)
  })
  afterAll(() => connected.close())

  it('tells soon of a session that does not exist', async () => {
    await using pair = openPair(kind, connected)
    await watch(pair.here, 'A'.repeat(43)).ended()
  })

  it('is one of a thousand over one connection, which goes with the last of them', async () => {
    await using pair = openPair(kind, connected)
    const { here, there, prefix } = pair
    const ids = await Promise.all(Array.from({ length: 1000 }, () => begin(there, { a: 1 })))
    const before = await subscribers()
    const watched = ids.map(id => watch(here, id))
    await until('it listens', async () => (await listeners(server, prefix)) === 1)
    expect(await subscribers()).toBe(before + 1)
    await Promise.all(ids.slice(0, 500).map(id => there.new(id).removeAll()))
    await Promise.all(watched.slice(0, 500).map(each => each.ended()))
    const counts = watched.map(({ count }) => count)
    expect(counts).toEqual([...Array(500).fill(1), ...Array(500).fill(0)])
    for (const { stop } of watched) stop()
    await until('it has hung up', async () => (await subscribers()) === before)
    const again = watch(here, ids[999] ?? '')
    await until('it listens', async () => (await listeners(server, prefix)) === 1)
    await there.new(again.id).removeAll()
    await again.ended()
  })

  it('ends without a word, and its connection, when the manager is closed', async () => {
    const { here, there, prefix } = openPair(kind, connected)
    const watched = watch(here, await begin(there, { a: 1 }))
    await until('it listens', async () => (await listeners(server, prefix)) === 1)
    await here.close()
    await until('it has hung up', async () => (await listeners(server, prefix)) === 0)
    await there.new(watched.id).removeAll()
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    await there.close()
  })

  it('costs one PTTL to look, and a removal still one command', async () => {
    await using pair = openPair(kind, connected)
    const { here, there, prefix } = pair
    const [one, other] = [await begin(there, { a: 1 }), await begin(there, { a: 1 })]
    await there.new(other).removeAll()
    const first = watch(here, one)
    await until('it listens', async () => (await listeners(server, prefix)) === 1)
    await wait(A_WHILE)
    const third = await begin(there, { a: 1 })
    const watched = await commandsOf(server, async () => {
      watch(here, third)
      await wait(A_WHILE)
    })
    expect(watched).toEqual(['pttl'])
    const removed = await commandsOf(server, async () => {
      await there.new(one).removeAll()
      await first.ended()
    })
    expect(removed).toEqual(['evalsha', 'pttl'])
  })

  it('publishes no id, neither as it is kept nor as the client has it', async () => {
    for (const idAtRest of ['hashed', 'plain'] as const) {
      await using pair = openPair(kind, connected, { idAtRest })
      const id = await begin(pair.here, { a: 1 })
      const [key = ''] = (await server.call('KEYS', `${pair.prefix}*`)) as string[]
      const heard: string[][] = []
      const spy = await connect(server, 'ioredis 6')
      const own = spy.client as never as {
        psubscribe(pattern: string): Promise<unknown>
        on(event: string, listener: (...message: string[]) => void): void
      }
      own.on('pmessage', (_pattern, ...message) => heard.push(message))
      await own.psubscribe('*')
      await pair.here.new(id).removeAll()
      await until('it is heard', () => heard.length > 0)
      expect(heard).toEqual([
        [`gsession:ended:${pair.prefix}`, expect.stringMatching(/^[0-9a-f]{64}$/)],
      ])
      const text = JSON.stringify(heard)
      for (const secret of [id, key.slice(pair.prefix.length)]) expect(text).not.toContain(secret)
      await spy.close()
    }
  })

  it('removes and moves all the same where publishing is forbidden, and sees it by looking', async () => {
    const users = ['default on nopass ~* resetchannels +@all']
    await using strict = await startServer({ users })
    const silent = await connect(strict)
    {
      await using pair = openPair(kind, silent)
      const watched = watch(pair.here, await begin(pair.there, { a: 1 }))
      const moved = await pair.there.new(await begin(pair.there, { b: 1 })).regenerateId()
      expect(await pair.there.new(moved).get('b')).toBe(1)
      await wait(A_WHILE)
      await pair.there.new(watched.id).removeAll()
      expect(await pair.there.new(watched.id).data()).toEqual({})
      await watched.ended()
    }
    await silent.close()
  })

  it.each(['node-redis 6', 'ioredis 6'])(
    'needs no more rights than the page says, %s',
    async name => {
      const rights = `${rightsFor(`\`${kind}\``)} ${rightsFor('`manager.watch`, as well')}`
      const users = [`default on nopass resetkeys ~*app:session:* resetchannels -@all ${rights}`]
      // What the clients send by themselves.
      await using strict = await startServer({ users: [`${users} +@connection +info`] })
      const { client, close } = await connect(strict, name)
      const prefix = 'app:session:'
      const errors: Error[] = []
      const onBackgroundError = (error: Error): void => void errors.push(error)
      const manager = openManager(kind, { client, close }, prefix, { onBackgroundError })
      const [removed, moved] = [
        watch(manager, await begin(manager, { a: 1 })),
        watch(manager, await begin(manager, { a: 1 })),
      ]
      await until('it listens', async () => (await listeners(strict, prefix)) === 1)
      await manager.new(removed.id).removeAll()
      await manager.new(moved.id).regenerateId()
      await Promise.all([removed.ended(), moved.ended()])
      expect(errors).toEqual([])
      await manager.close()
      await close()
    },
  )

  it('looks again with a client that cannot be duplicated', async () => {
    const { client } = connected
    const bare = {
      sendCommand: (args: string[], options?: object): Promise<unknown> =>
        (client as { sendCommand(args: string[], options?: object): Promise<unknown> }).sendCommand(
          args,
          options,
        ),
    }
    await using pair = openPair(kind, { client: bare as RedisClient, close: () => {} })
    const watched = watch(pair.here, await begin(pair.there, { a: 1 }))
    await wait(A_WHILE)
    await pair.there.new(watched.id).removeAll()
    await watched.ended()
    expect(await listeners(server, pair.prefix)).toBe(0)
  })
})
