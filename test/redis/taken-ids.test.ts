import { newSessionId } from 'gsession'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changes, encoded, loadAll } from '../../src/testing/data.ts'
import { connect, KIND_NAMES, KINDS } from '../fixtures/redis-lab.ts'
import type { Connected } from './clients.ts'
import { type RedisServer, startServer, startSingleNodeCluster } from './servers/index.ts'

const HOUR = 3_600_000

/** Where two keys can be in one step, and where they cannot. */
const PLACES = { 'one node': () => startServer(), 'a Cluster': () => startSingleNodeCluster() }

const CASES = Object.entries(PLACES).flatMap(([place, start]) =>
  // One client that sends again what it has no answer to, and one that does not.
  ['ioredis 6', 'node-redis 6'].map(client => [place, client, start] as const),
)

describe.each(CASES)('an id that is taken, %s, %s', (place, client, start) => {
  let server: RedisServer
  let connected: Connected
  beforeAll(async () => {
    server = await start()
    connected = await connect(server, client)
  })
  afterAll(async () => {
    await connected.close()
    await server.close()
  })
  const open = (kind: (typeof KIND_NAMES)[number]) =>
    new KINDS[kind]({ client: connected.client, prefix: `${place} ${client}:` })

  describe.each(KIND_NAMES)('%s', kind => {
    it.each([{}, { cart: [] }, { user: 'Ada', n: 1 }])(
      'begins no session there: %j',
      async data => {
        const [one, other] = [open(kind), open(kind)]
        const id = newSessionId()
        expect(await one.create(id, encoded(data), HOUR)).toBe(true)
        expect(await one.create(id, encoded(data), HOUR)).toBe(false)
        expect(await other.create(id, encoded(data), HOUR)).toBe(false)
        const fresh = newSessionId()
        const tries = [one, other, one, other].map(each => each.create(fresh, encoded(data), HOUR))
        expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
      },
    )

    it.each([true, false])('moves no session there, keepOld: %s', async keepOld => {
      const storage = open(kind)
      const [from, also, to] = [newSessionId(), newSessionId(), newSessionId()]
      for (const id of [from, also, to]) await storage.create(id, encoded({ n: 1 }), HOUR)
      expect(await storage.rotate(from, to, changes({}), HOUR, keepOld)).toBe('taken')
      expect(await loadAll(storage, from)).toEqual({ n: 1 })

      const free = newSessionId()
      const moves = await Promise.all(
        [from, also].map(id => open(kind).rotate(id, free, changes({}), HOUR, keepOld)),
      )
      expect(moves.sort()).toEqual(['rotated', 'taken'])
      // Nor is it there for another that has moved and been moved again.
      expect(await storage.rotate(to, free, changes({}), HOUR, keepOld)).toBe('taken')
      expect(await loadAll(storage, to)).toEqual({ n: 1 })
    })
  })
})
