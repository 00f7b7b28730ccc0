import { describe, it } from 'vitest'
import {
  LoopbackProxy,
  type RedisServer,
  RespConnection,
  startServer,
  until,
} from './servers/index.ts'

/** A server, a proxy before it, and a connection through that. */
class Line implements AsyncDisposable {
  readonly server: RedisServer
  readonly proxy: LoopbackProxy
  readonly connection: RespConnection

  private constructor(server: RedisServer, proxy: LoopbackProxy, connection: RespConnection) {
    this.server = server
    this.proxy = proxy
    this.connection = connection
  }

  static async open(): Promise<Line> {
    const server = await startServer()
    const proxy = await LoopbackProxy.start(server)
    return new Line(server, proxy, await RespConnection.open(proxy))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close()
    await this.proxy.close()
    await this.server.close()
  }
}

describe.concurrent('the proxy', () => {
  it('forwards, and counts', async ({ expect }) => {
    await using line = await Line.open()
    expect(await line.connection.call('SET', 'a', 'é')).toBe('OK')
    expect(await line.connection.call('GET', 'a')).toBe('é')
    expect(line.proxy.commands).toEqual([
      ['SET', 'a', 'é'],
      ['GET', 'a'],
    ])
    expect(line.proxy.counts).toEqual({ connections: 1, bytesToServer: 48, bytesToClient: 13 })
  })

  it('carries TLS, which it cannot read', async ({ expect }) => {
    await using server = await startServer({ tls: true })
    await using proxy = await LoopbackProxy.start(server)
    using connection = await RespConnection.open({ ...server.address, port: proxy.port })
    expect(await connection.call('PING')).toBe('PONG')
    expect(proxy.commands).toEqual([])
  })

  it.for(['toServer', 'toClient'] as const)(
    'delays %s, and keeps the order',
    async (way, { expect }) => {
      await using line = await Line.open()
      const { server, proxy, connection } = line
      proxy.delay({ [way]: 200 })
      const begin = performance.now()
      const calls = [1, 2, 3].map(() => connection.call('INCR', 'a'))
      await until('half of the time is over', () => performance.now() - begin > 100)
      expect(await server.call('GET', 'a')).toBe(way === 'toServer' ? null : '3')
      expect(await Promise.all(calls)).toEqual([1, 2, 3])
      expect(performance.now() - begin).toBeGreaterThan(195)
    },
  )

  it('swallows replies while the commands are carried out', async ({ expect }) => {
    await using line = await Line.open()
    line.proxy.swallowReplies()
    const lost = line.connection.call('SET', 'a', 1)
    await until('it is done', async () => (await line.server.call('GET', 'a')) === '1')
    line.proxy.cut()
    await expect(lost).rejects.toThrow('closed')
  })

  it('swallows commands, until it resumes', async ({ expect }) => {
    await using line = await Line.open()
    line.proxy.swallowCommands()
    const lost = line.connection.call('SET', 'a', 1)
    await line.proxy.refuse()
    await expect(lost).rejects.toThrow('closed')
    expect(await line.server.call('GET', 'a')).toBe(null)
    await line.proxy.resume()
    using again = await RespConnection.open(line.proxy)
    expect(await again.call('SET', 'a', 2)).toBe('OK')
  })

  it('cuts all connections, and takes new ones', async ({ expect }) => {
    await using line = await Line.open()
    using other = await RespConnection.open(line.proxy)
    const calls = [line.connection, other].map(each => each.call('BLPOP', 'none', 0))
    line.proxy.cut()
    for (const call of calls) await expect(call).rejects.toThrow('closed')
    using again = await RespConnection.open(line.proxy)
    expect(await again.call('PING')).toBe('PONG')
    expect(line.proxy.counts.connections).toBe(3)
  })

  it('refuses new connections, and resumes on the same port', async ({ expect }) => {
    await using line = await Line.open()
    await line.proxy.refuse()
    await expect(RespConnection.open(line.proxy)).rejects.toThrow('ECONNREFUSED')
    await line.proxy.resume()
    using again = await RespConnection.open(line.proxy)
    expect(await again.call('PING')).toBe('PONG')
  })

  it.for([0, 3])(
    'cuts the next reply after %i bytes, when the command is done',
    async (bytes, { expect }) => {
      await using line = await Line.open()
      const before = line.proxy.counts.bytesToClient
      line.proxy.cutNextReply(bytes)
      await expect(line.connection.call('SET', 'a', 1)).rejects.toThrow('closed')
      expect(await line.server.call('GET', 'a')).toBe('1')
      expect(line.proxy.counts.bytesToClient - before).toBe(bytes)
    },
  )

  it('still delivers what a client sent before it gave up', async ({ expect }) => {
    await using line = await Line.open()
    line.proxy.delay({ toServer: 100 })
    const lost = line.connection.call('SET', 'a', 1)
    line.connection.end()
    await expect(lost).rejects.toThrow('closed')
    expect(await line.server.call('GET', 'a')).toBe(null)
    await until('it arrives', async () => (await line.server.call('GET', 'a')) === '1')
  })
})
