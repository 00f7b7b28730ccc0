import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  type RedisServer,
  type Reply,
  RespConnection,
  SERVER_KINDS,
  startCluster,
  startSentinels,
  startServer,
  until,
} from './servers/index.ts'

const DOOR = fileURLToPath(new URL('./servers/index.ts', import.meta.url))

/** Starts a server in a process of its own, which then does nothing more. */
async function serverOfAnotherProcess() {
  const program = `
    import { runnerImport } from 'vite'
    const { module } = await runnerImport(${JSON.stringify(DOOR)}, {
      configFile: false,
      logLevel: 'error',
      oxc: { target: 'es2022' },
    })
    const { pid, folder } = await module.startServer()
    console.log(JSON.stringify({ pid, folder }))
    setInterval(() => undefined, 1000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  const { pid, folder }: { pid: number; folder: string } = JSON.parse(String(line))
  return { child, pid, folder }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Stores 1, and waits until a replica has it; answers the number of replicas that have. */
async function setAndCopy(server: RedisServer | undefined, redisKey: string): Promise<Reply> {
  if (server === undefined) throw new Error('No such server')
  // On one connection: WAIT waits for what its own connection has written.
  using connection = await RespConnection.open(server.address)
  await connection.call('SET', redisKey, 1)
  return await connection.call('WAIT', 1, 10_000)
}

describe('the kinds of server', () => {
  it.runIf(process.env['CI'])('are both there in CI', () => {
    expect(SERVER_KINDS).toEqual(['redis', 'valkey'])
  })
})

describe.concurrent.each(SERVER_KINDS)('a %s server', kind => {
  it('is of its kind, on a port and in a folder of its own, however many start at once', async ({
    expect,
  }) => {
    const servers = await Promise.all(Array.from({ length: 8 }, () => startServer({ kind })))
    const infos = await Promise.all(servers.map(server => server.info('server')))
    await Promise.all(servers.map(server => server.close()))
    expect(new Set(servers.map(({ port }) => port)).size).toBe(8)
    expect(new Set(servers.map(({ folder }) => folder)).size).toBe(8)
    expect(infos.map(info => info.has('valkey_version'))).toEqual(
      Array.from({ length: 8 }, () => kind === 'valkey'),
    )
  })

  it('is gone when it is closed, and so is its folder', async ({ expect }) => {
    const server = await startServer({ kind })
    await server.close()
    expect(isAlive(server.pid)).toBe(false)
    expect(existsSync(server.folder)).toBe(false)
    await expect(server.call('PING')).rejects.toThrow('ECONNREFUSED')
  })

  it('forgets everything in a restart, on the same port', async ({ expect }) => {
    await using server = await startServer({ kind })
    const { port, pid } = server
    await server.call('SET', 'a', 1)
    await server.restart({ keepsData: true })
    expect(await server.call('GET', 'a')).toBe(null)
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
    expect(readdirSync(server.folder).sort()).toEqual(['server.conf', 'server.log'])
  })

  it('has what it has stored after a kill, if it is persistent, unless it is taken away', async ({
    expect,
  }) => {
    await using server = await startServer({ kind, isPersistent: true })
    await server.call('SET', 'a', 1)
    await server.restart({ keepsData: true })
    expect(await server.call('GET', 'a')).toBe('1')
    await server.restart({ keepsData: false })
    expect(await server.call('GET', 'a')).toBe(null)
  })

  it('wants its password', async ({ expect }) => {
    await using server = await startServer({ kind, password: 'secret' })
    using stranger = await RespConnection.open({ port: server.port })
    await expect(stranger.call('GET', 'a')).rejects.toThrow('NOAUTH')
    expect(await stranger.call('AUTH', 'secret')).toBe('OK')
    expect(await stranger.call('GET', 'a')).toBe(null)
  })

  it('lets its users do what they may', async ({ expect }) => {
    await using server = await startServer({ kind, users: ['app on >pass ~app:* +get'] })
    const address = { port: server.port, user: 'app', password: 'pass' }
    using app = await RespConnection.open(address)
    expect(await app.call('GET', 'app:a')).toBe(null)
    await expect(app.call('GET', 'other')).rejects.toThrow('NOPERM')
    await expect(app.call('SET', 'app:a', 1)).rejects.toThrow('NOPERM')
  })

  it('copies another, and refuses writes', async ({ expect }) => {
    await using primary = await startServer({ kind, password: 'secret' })
    await using replica = await startServer({ kind, replicaOf: primary })
    await primary.call('SET', 'a', 1)
    await until('the copy is there', async () => (await replica.call('GET', 'a')) === '1')
    await expect(replica.call('SET', 'a', 2)).rejects.toThrow('READONLY')
  })

  it('refuses what does not fit into its memory, and evicts nothing', async ({ expect }) => {
    await using server = await startServer({ kind, maxMemory: '3mb' })
    await server.call('SET', 'first', 1)
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 40; n++) await server.call('SET', `a${n}`, 'x'.repeat(100_000))
    }
    await expect(fill()).rejects.toThrow('OOM')
    expect(await server.call('GET', 'first')).toBe('1')
  })

  it('speaks TLS alone, if it does', async ({ expect }) => {
    await using server = await startServer({ kind, tls: true })
    expect(server.url).toMatch(/^rediss:/)
    expect(await server.call('PING')).toBe('PONG')
    using plain = await RespConnection.open({ port: server.port })
    await expect(plain.call('PING')).rejects.toThrow()
  })

  it('hangs while it is frozen', async ({ expect }) => {
    await using server = await startServer({ kind })
    using connection = await RespConnection.open(server.address)
    server.freeze()
    const order: string[] = []
    const answered = connection.call('PING').then(() => order.push('answered'))
    await wait(100)
    order.push('thawed')
    server.thaw()
    await answered
    expect(order).toEqual(['thawed', 'answered'])
  })

  it('tells why it does not start', async ({ expect }) => {
    const start = startServer({ kind, config: { 'maxmemory-policy': 'nonsense' } })
    await expect(start).rejects.toThrow(/The server ended: .*maxmemory-policy/s)
  })
})

describe.concurrent.each(SERVER_KINDS)('a %s cluster', kind => {
  it('has three masters with a replica each, and goes on with the replica when one is gone', async ({
    expect,
  }) => {
    await using cluster = await startCluster({ kind })
    const masters = await Promise.all(['a', 'b', 'c'].map(each => cluster.masterOf(each)))
    expect(new Set(masters).size).toBe(3)
    const [master, other] = masters
    await expect(other?.call('GET', 'a')).rejects.toThrow(`MOVED 15495 127.0.0.1:${master?.port}`)

    const replica = await cluster.replicaOf('a')
    expect((await replica.info('replication')).get('master_port')).toBe(String(master?.port))
    expect(await setAndCopy(master, 'a')).toBe(1)
    await master?.kill()
    await until('the replica is the master', async () => (await cluster.masterOf('a')) === replica)
    await cluster.ready()
    expect(await replica.call('GET', 'a')).toBe('1')
    await cluster.flush()
    expect(await replica.call('GET', 'a')).toBe(null)
  })
})

describe.concurrent.each(SERVER_KINDS)('a %s primary with sentinels', kind => {
  it('is replaced by its replica when it is gone', async ({ expect }) => {
    await using set = await startSentinels({ kind })
    const primary = await set.primary()
    expect(await setAndCopy(primary, 'a')).toBe(1)
    const next = await set.failOver()
    expect(next).not.toBe(primary)
    expect(await next.call('GET', 'a')).toBe('1')
    expect(await next.call('SET', 'a', 2)).toBe('OK')
  })
})

describe.skipIf(SERVER_KINDS.length === 0).concurrent('the servers of a test process', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('end with it, by %s too', async signal => {
    const { child, pid, folder } = await serverOfAnotherProcess()
    expect(isAlive(pid)).toBe(true)
    child.kill(signal)
    await until('the server and its folder are gone', () => !isAlive(pid) && !existsSync(folder))
  })
})
