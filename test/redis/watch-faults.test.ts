import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE } from '../helpers/patience.ts'
import { watch } from '../helpers/watched.ts'
import { Line, PAIRS } from './line.ts'
import { type RedisServer, startServer, until } from './servers/index.ts'
import { A_WHILE, listeners } from './watch-pair.ts'

const run = promisify(execFile)
const DIST = new URL('../../dist/', import.meta.url)

let server: RedisServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe.concurrent('a watch while Redis is away', () => {
  it.for(PAIRS)(
    'ends nothing, and catches up afterwards: %s, %s',
    async ([storage, client], { expect }) => {
      await using line = await Line.open(server, storage, client)
      await using other = await Line.open(server, storage, client, { prefix: line.prefix })
      const [gone, kept] = [
        watch(line.manager, await other.begin()),
        watch(line.manager, await other.begin()),
      ]
      await until('it listens', async () => (await listeners(server, line.prefix)) === 1)
      await line.proxy.refuse()
      await other.manager.new(gone.id).removeAll()
      await wait(A_WHILE)
      expect([gone.count, kept.count]).toEqual([0, 0])
      await line.proxy.resume()
      await gone.ended()
      await until('it listens', async () => (await listeners(server, line.prefix)) === 1)
      await other.manager.new(kept.id).removeAll()
      await kept.ended()
      expect([gone.count, kept.count]).toEqual([1, 1])
    },
  )

  it.for(PAIRS)('survives cuts: %s, %s', async ([storage, client], { expect }) => {
    await using line = await Line.open(server, storage, client)
    await using other = await Line.open(server, storage, client, { prefix: line.prefix })
    const watched = watch(line.manager, await other.begin())
    for (let n = 0; n < 3; n++) {
      await until('it listens', async () => (await listeners(server, line.prefix)) === 1)
      await line.cut()
    }
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    await other.manager.new(watched.id).removeAll()
    await watched.ended()
    expect(watched.count).toBe(1)
  })
})

describe('a process that only watches', () => {
  const PROGRAMS = {
    'node-redis': {
      open: `import { createClient } from 'redis'
        const client = createClient({ socket: { host: '127.0.0.1', port: Number(process.argv[1]) } })
        await client.connect()
        const ask = (...command) => client.sendCommand(command)`,
      close: 'client.destroy()',
    },
    ioredis: {
      open: `import { Redis } from 'ioredis'
        const client = new Redis({ host: '127.0.0.1', port: Number(process.argv[1]) })
        const ask = (...command) => client.call(...command)`,
      close: 'client.disconnect()',
    },
  }
  it.each(Object.entries(PROGRAMS))(
    'ends by itself once its client is closed, %s',
    async (_name, { open, close }) => {
      if (!existsSync(DIST)) throw new Error('dist is missing: run npm run build first')
      const program = `
      ${open}
      import { Manager } from ${JSON.stringify(new URL('index.js', DIST).href)}
      import { StorageRedis } from ${JSON.stringify(new URL('redis.js', DIST).href)}
      import { setTimeout as wait } from 'node:timers/promises'
      const prefix = 'own process:'
      const manager = new Manager({
        storage: new StorageRedis({ client, prefix }),
        onBackgroundError() {},
      })
      const session = manager.new()
      await session.set('a', 1)
      await session.close()
      const id = await session.id()
      manager.watch(id, () => console.log('ended'))
      const isHeard = async () =>
        Number((await ask('pubsub', 'numsub', 'gsession:ended:' + prefix))[1]) === 1
      while (!(await isHeard())) await wait(10)
      console.log('watched')
      ${close}`
      const args = ['--input-type=module', '-e', program, String(server.port)]
      const { stdout } = await run(process.execPath, args, { timeout: PATIENCE })
      expect(stdout).toBe('watched\n')
    },
  )
})
