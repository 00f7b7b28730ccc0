import { type Manager, newSessionId } from 'gsession'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, immortalKeys, KIND_NAMES, openManager } from '../fixtures/redis-lab.ts'
import { RedisWorker } from '../fixtures/redis-workers.ts'
import { inLong } from '../helpers/long.ts'
import type { Connected } from './clients.ts'
import { type RedisServer, SERVER_KINDS, startServer } from './servers/index.ts'

const HOUR = 3_600_000
const PROCESSES = 4
const UPDATES = inLong(5000, 1000)
/** All updates of a process wait for each other, and the last one has to come in time. In milliseconds. */
const TIMEOUT = 60_000

describe.each(SERVER_KINDS)(
  'processes that share a session in %s, each through both storages',
  serverKind => {
    const prefix = 'shared:'
    let server: RedisServer
    let connected: Connected
    let workers: RedisWorker[]
    beforeAll(async () => {
      server = await startServer({ kind: serverKind })
      connected = await connect(server)
      const options = { place: server, prefix, timeout: TIMEOUT }
      const starts = Array.from({ length: PROCESSES }, () => RedisWorker.start(options))
      workers = await Promise.all(starts)
    })
    afterAll(async () => {
      for (const worker of workers) worker[Symbol.dispose]()
      await connected.close()
      await server.close()
    })

    async function share(kind: (typeof KIND_NAMES)[number]): Promise<[Manager, string]> {
      const manager = openManager(kind, connected, `${prefix}${kind}:`, { idAtRest: 'plain' })
      const id = newSessionId()
      await manager.storage.setSession(id, { old: true }, HOUR)
      return [manager, id]
    }

    it(`lose none of ${UPDATES} updates of one key in each storage, all at once`, {
      timeout: 2 * TIMEOUT,
    }, async () => {
      const updates = KIND_NAMES.map(async kind => {
        const [manager, id] = await share(kind)
        const began = performance.now()
        const each = UPDATES / PROCESSES
        await Promise.all(workers.map(worker => worker.call('increment', kind, id, each)))
        const taken = Math.round(performance.now() - began)
        console.log(`${kind}: ${UPDATES} updates by ${PROCESSES} processes: ${taken} ms`)
        return manager.new(id).data()
      })
      expect(await Promise.all(updates)).toEqual(KIND_NAMES.map(() => ({ old: true, n: UPDATES })))
      expect(await immortalKeys(server)).toEqual([])
    })

    it.each(KIND_NAMES)('lose no change of different keys, %s', async kind => {
      const [manager, id] = await share(kind)
      const keysOf = (worker: number) => Array.from({ length: 100 }, (_, key) => `${worker}-${key}`)
      const changes = workers.map((worker, index) =>
        worker.call('setKeys', kind, id, keysOf(index)),
      )
      await Promise.all(changes)
      const expected = workers.flatMap((_, index) => keysOf(index)).map(key => [key, key])
      expect(await manager.new(id).data()).toEqual({ old: true, ...Object.fromEntries(expected) })
      expect(await immortalKeys(server)).toEqual([])
    })
  },
)
