import { newSessionId } from 'gsession'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandsOf, connect, KIND_NAMES, KINDS, openManager } from '../fixtures/redis-lab.ts'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { CLIENTS, type Connected } from './clients.ts'
import { type RedisServer, SERVER_KINDS, startSingleNodeCluster, until } from './servers/index.ts'

/** With braces that are a tag of a Cluster, and with such as only look like one. */
const PREFIXES = ['app:', '{app}:', '{}x:', 'a}b:', '{a}b:', 'a{b', 'a{b}c{d}:', '{}{a}:', '}{:']

describe.each(SERVER_KINDS)('a client that does not know of the Cluster, %s', serverKind => {
  let server: RedisServer
  const open = new Map<string, Connected>()
  beforeAll(async () => {
    server = await startSingleNodeCluster({ kind: serverKind })
    for (const name of Object.keys(CLIENTS)) open.set(name, await connect(server, name))
  })
  afterAll(async () => {
    for (const { close } of open.values()) await close()
    await server.close()
  })
  const connectedOf = (name: string): Connected => {
    const connected = open.get(name)
    if (connected === undefined) throw new Error(`No client is called ${name}`)
    return connected
  }
  const cases = KIND_NAMES.flatMap(kind => PREFIXES.map(prefix => [kind, prefix] as const))

  it.each(cases)('%s does all that it does elsewhere, prefix %j', async (kind, prefix) => {
    for (const idAtRest of ['hashed', 'plain'] as const) {
      const manager = openManager(kind, connectedOf('ioredis 6'), prefix, { idAtRest })
      const id = await begin(manager, { n: 1, user: 'Ada' })
      const ended: string[] = []
      manager.watch(id, () => ended.push(id))

      const copy = await manager.new(id).regenerateId({ keepOld: true })
      expect(await manager.new(id).data()).toEqual({ n: 1, user: 'Ada' })
      const session = manager.new(id)
      await session.set('user', 'Bob')
      const moved = await session.regenerateId()
      expect(await manager.new(moved).data()).toEqual({ n: 1, user: 'Bob' })
      expect(await manager.new(copy).data()).toEqual({ n: 1, user: 'Ada' })
      expect(await manager.new(id).data()).toEqual({})
      await until('the watch hears of it', () => ended.length === 1)

      // Merged with what others have stored since it was read.
      const stale = manager.new(moved)
      await stale.data()
      await manager.new(moved).update('n', n => Number(n) + 1)
      await stale.set('user', 'Eve')
      const last = await stale.regenerateId()
      expect(await manager.new(last).data()).toEqual({ n: 2, user: 'Eve' })
      expect(await codeOf(manager.new(moved).update('n', () => 9))).not.toBe('ERR_STORAGE')

      await manager.new(last).removeAll()
      expect(await manager.new(last).data()).toEqual({})
      await manager.close()
    }
  })

  it.each(KIND_NAMES.flatMap(kind => Object.keys(CLIENTS).map(name => [kind, name] as const)))(
    '%s finds it out once, %s',
    async (kind, name) => {
      const manager = openManager(kind, connectedOf(name), `once ${name}:`)
      let id = await begin(manager, { n: 1 })
      id = await manager.new(id).regenerateId()
      const commands = await commandsOf(server, async () => {
        id = await manager.new(id).regenerateId()
      })
      // What is stored is read, stored under the new id, and removed under the old one.
      expect(commands.filter(command => command !== 'eval')).toHaveLength(3)
      expect(await manager.new(id).get('n')).toBe(1)
      await manager.close()
    },
  )

  it.each(KIND_NAMES)('%s moves a session once, though two ask for it', async kind => {
    const manager = openManager(kind, connectedOf('node-redis 6'), `two ${kind}:`)
    const id = await begin(manager, { n: 1 })
    const moves = await Promise.allSettled([1, 2, 3].map(() => manager.new(id).regenerateId()))
    const done = moves.flatMap(move => (move.status === 'fulfilled' ? [move.value] : []))
    const living = await Promise.all(done.map(async each => (await manager.new(each).data())['n']))
    expect(living.filter(n => n === 1)).toHaveLength(1)
    expect(await server.call('KEYS', `two ${kind}:*`)).toHaveLength(1)
    await manager.close()
  })

  it.each(PREFIXES)('puts aside what makes no sense, prefix %j', async prefix => {
    const { client } = connectedOf('node-redis 6')
    const storage = new KINDS.StorageRedis({ client, prefix })
    const id = newSessionId()
    await server.call('SET', prefix + id, '{"half', 'PX', 60_000)
    await expect(storage.load(id, 1000)).rejects.toMatchObject({ code: 'ERR_UNREADABLE' })
    expect(await storage.load(id, 1000)).toBeUndefined()
    expect(await server.call('GET', `{${prefix}${id}}:unreadable`)).toBe('{"half')
    expect(Number(await server.call('PTTL', `{${prefix}${id}}:unreadable`))).toBeGreaterThan(50_000)
    expect(await server.call('EXISTS', prefix + id)).toBe(0)
  })
})
