import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, KIND_NAMES, openManager } from '../fixtures/redis-lab.ts'
import { begin } from '../helpers/core-sessions.ts'
import type { Connected } from './clients.ts'
import { type RedisServer, startServer } from './servers/index.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

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

describe.each(KIND_NAMES)('a ttl that is changed, %s', kind => {
  const open = (ttl: number) =>
    openManager(kind, connected, `${kind}:`, { ttl, idAtRest: 'plain', refreshInterval: HOUR })
  const left = async (id: string) => Number(await server.call('PTTL', `${kind}:${id}`))

  it.each([
    ['raised', MINUTE, HOUR],
    ['lowered', HOUR, MINUTE],
  ])('counts from the next read on: %s', async (_, before, after) => {
    const manager = open(before)
    const id = await begin(manager, { n: 1 })
    manager.ttl = after
    expect(await manager.new(id).get('n')).toBe(1)
    await manager.flush()
    expect(await left(id)).toBeLessThanOrEqual(after)
    expect(await left(id)).toBeGreaterThan(after - MINUTE / 2)
  })

  it.each([
    ['raised', MINUTE, HOUR],
    ['lowered', HOUR, MINUTE],
  ])('counts from the next write on: %s', async (_, before, after) => {
    const manager = open(before)
    const id = await begin(manager, { n: 1 })
    manager.ttl = after
    await manager.new(id).update('n', () => 2)
    expect(await left(id)).toBeLessThanOrEqual(after)
    expect(await left(id)).toBeGreaterThan(after - MINUTE / 2)
  })

  it('counts for a process that never had the longer one', async () => {
    const id = await begin(open(HOUR), { n: 1 })
    const later = open(MINUTE)
    await later.new(id).get('n')
    await later.flush()
    expect(await left(id)).toBeLessThanOrEqual(MINUTE)
  })

  it('is not cut by a refresh that comes late', async () => {
    const manager = open(HOUR)
    const id = await begin(manager, { n: 1 })
    const { storage } = manager
    const before = await left(id)
    const verbs = storage as unknown as {
      refresh: (at: Map<string, number>, ttl: number) => unknown
    }
    await verbs.refresh(new Map([[id, Date.now() - HOUR / 2]]), HOUR)
    expect(await left(id)).toBeGreaterThan(before - MINUTE / 2)
  })

  it('gives none to what has none', async () => {
    const manager = open(HOUR)
    const id = await begin(manager, { n: 1 })
    await server.call('PERSIST', `${kind}:${id}`)
    await manager.new(id).get('n')
    await manager.flush()
    expect(await left(id)).toBe(-1)
  })
})
