import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Manager } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { askAs } from '../helpers/http-client.ts'
import { CLIENTS } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { connect, type Lab, type LabOptions, logIn, logOut, openLab, refusal } from './ws-lab.ts'

const ENDED = { code: 1008, reason: 'session ended' }
const DIST = fileURLToPath(new URL('../../dist', import.meta.url))

/** What another process does to the session of the id that it is given. */
const ELSEWHERE = `
  import { createClient } from 'redis'
  import { Manager } from '${DIST}/index.js'
  import * as storages from '${DIST}/redis.js'
  const [kind, port, id, method] = process.argv.slice(1)
  const client = await createClient({ socket: { port: Number(port) } }).connect()
  const manager = new Manager({ storage: new storages[kind]({ client, prefix: kind }) })
  await manager.new(id)[method]()
  client.destroy()
`
const run = promisify(execFile)

/** Ends a session from a process that knows nothing of this one. */
function doElsewhere(kind: string, port: number, cookie: string, method: string) {
  const id = cookie.replace(/^.*=/, '')
  const script = ['--input-type=module', '-e', ELSEWHERE, kind, String(port), id, method]
  return run(process.execPath, script)
}

let redis: RedisServer
beforeAll(async () => {
  redis = await startServer()
})
afterAll(() => redis.close())

const STORAGES = { StorageRedis, StorageRedisHashTable }
const PAIRS = Object.keys(STORAGES).flatMap(kind =>
  ['node-redis 6', 'ioredis 6'].map(client => [kind as keyof typeof STORAGES, client] as const),
)

describe.each(PAIRS)('over %s, %s', (kind, client) => {
  async function openRedisLab(options: LabOptions = {}): Promise<Lab> {
    const connected = await CLIENTS[client]?.(redis)
    if (connected === undefined) throw new Error(`No such client: ${client}`)
    const manager = new Manager({
      storage: new STORAGES[kind]({ client: connected.client, prefix: kind }),
    })
    const lab = await openLab({ manager, ...options })
    onTestFinished(async () => {
      await manager.close()
      connected.close()
    })
    return lab
  }

  it.each(['removeAll', 'regenerateId'])(
    'a connection is closed when another process calls %s',
    async method => {
      const lab = await openRedisLab()
      const [cookie, other] = [await logIn(lab), await logIn(lab)]
      const [ended, stays] = [await connect(lab, { cookie }), await connect(lab, { cookie: other })]
      await doElsewhere(kind, redis.port, cookie, method)
      expect(await ended.closed).toEqual(ENDED)
      expect(await stays.ask()).toEqual({ user: 'Ada' })
    },
  )

  it('a connection is closed when its visitor logs out at another server', async () => {
    const [here, there] = [await openRedisLab(), await openRedisLab()]
    const cookie = await logIn(there)
    const client = await connect(here, { cookie })
    expect(await client.ask()).toEqual({ user: 'Ada' })
    await logOut(there, cookie)
    expect(await client.closed).toEqual(ENDED)
    expect(await refusal(here, { cookie })).toBe(101)
  })

  it('connections to two servers lose no update, and read what is there now', async () => {
    const answer: LabOptions['answer'] = (request, text) =>
      text === 'count'
        ? request.openSession().update('n', n => Number(n ?? 0) + 1)
        : request.openSession().data()
    const labs = [await openRedisLab({ answer }), await openRedisLab({ answer })] as const
    const cookie = await logIn(labs[0])
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, index) => connect(labs[index % 2 ? 1 : 0], { cookie })),
    )
    const updates = clients.flatMap(client => Array.from({ length: 5 }, () => client.ask('count')))
    await Promise.all([...updates, askAs(cookie, labs[1], '/set?theme=dark')])
    for (const client of clients.slice(0, 2)) {
      expect(await client.ask()).toEqual({ user: 'Ada', theme: 'dark', n: 50 })
    }
  })
})
