import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { Manager, newSessionId, StorageMemory } from 'gsession'
import { session as expressSession } from 'gsession/express'
import { attachSession, type SessionRequest, session } from 'gsession/ws'
import { Server } from 'socket.io'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { heldTime } from '../helpers/held-time.ts'
import { askAs } from '../helpers/http-client.ts'
import { askRaw } from '../helpers/http-raw.ts'
import { countCalls, failOnDemand, interceptStorage } from '../helpers/http-storage.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'
import { connect, disconnected, openLab, refusal, requestOf } from './socket-io-lab.ts'
import { connect as connectWs, logIn, logOut, type Values } from './ws-lab.ts'

const TRANSPORTS = [['polling'], ['websocket'], ['polling', 'websocket']] as const
const CASES = TRANSPORTS.map(transports => ({ names: transports.join(', then '), transports }))

allowNoUnhandledRejections()

describe.each(CASES)('socket.io over $names', ({ transports }) => {
  it('has the session of the browser that logged in', async () => {
    const lab = await openLab()
    const client = await connect(lab, { transports, cookie: await logIn(lab) })
    expect(await requestOf(lab.sockets[0]).session.get('user')).toBe('Ada')
    expect(await client.emitWithAck('data')).toEqual({ user: 'Ada' })
  })

  it('has it in every namespace', async () => {
    const lab = await openLab()
    const options = { transports, cookie: await logIn(lab), namespace: '/admin' }
    const client = await connect(lab, options)
    expect(await client.emitWithAck('data')).toEqual({ user: 'Ada' })
  })

  it('has none without an id, or with an unknown one', async () => {
    const lab = await openLab()
    expect(await (await connect(lab, { transports })).emitWithAck('data')).toEqual({})
    const client = await connect(lab, { transports, cookie: `sid=${newSessionId()}` })
    expect(await client.emitWithAck('data')).toEqual({})
  })

  it('reads what is there now, and saves when it is told to', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    const client = await connect(lab, { transports, cookie })
    await askAs(cookie, lab, '/set?theme=dark')
    await Promise.all(Array.from({ length: 10 }, () => client.emitWithAck('count')))
    expect(await client.emitWithAck('data')).toEqual({ user: 'Ada', theme: 'dark', n: 10 })
    const { session } = requestOf(lab.sockets[0])
    await session.set('late', true)
    await session.close()
    expect(await client.emitWithAck('data')).toMatchObject({ late: true, n: 10 })
    await expect(session.regenerateId()).rejects.toMatchObject({ code: 'ERR_HEADERS_SENT' })
  })

  it('looks the session up at its handshake only', async () => {
    const { storage, calls } = countCalls()
    const lab = await openLab({ manager: new Manager({ storage }) })
    const cookie = await logIn(lab)
    calls.length = 0
    const client = await connect(lab, { transports, cookie })
    lab.sockets[0]?.on('echo', (text, reply) => reply(text))
    for (let n = 0; n < 3; n++) expect(await client.emitWithAck('echo', n)).toBe(n)
    // A custom storage would be read once more: the first look of the watch.
    expect(calls).toEqual(['load'])
  })

  it.each(['/logout', '/regenerate'])('is closed by %s over HTTP, and no other is', async path => {
    const lab = await openLab()
    const [ada, eve] = [await logIn(lab), await logIn(lab, '?user=Eve')]
    const client = await connect(lab, { transports, cookie: ada })
    const other = await connect(lab, { transports, cookie: eve })
    const gone = disconnected(client)
    await askAs(ada, lab, path)
    await gone
    expect(await other.emitWithAck('data')).toEqual({ user: 'Eve' })
    await eventually(() => expect(lab.io.engine.clientsCount).toBe(1))
  })

  it('is closed when its session expires', async () => {
    const { clock, letGo } = heldTime()
    const storage = new StorageMemory({ clock })
    const lab = await openLab({ manager: new Manager({ ttl: '500ms', storage, clock }) })
    const client = await connect(lab, { transports, cookie: await logIn(lab) })
    const gone = disconnected(client)
    letGo()
    await gone
  })

  it('answers 401 if a session is required and there is none', async () => {
    const lab = await openLab({ options: { required: true } })
    const cookie = await logIn(lab)
    expect(await refusal(lab, { transports })).toBe(401)
    expect(await refusal(lab, { transports, cookie: `sid=${newSessionId()}` })).toBe(401)
    expect(await refusal(lab, { transports, cookie })).toBe(200)
    expect(lab.sockets).toHaveLength(1)
  })

  it('answers 403 to the pages of other sites', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    expect(await refusal(lab, { transports, cookie, origin: 'https://evil.example' })).toBe(403)
    expect(lab.sockets).toHaveLength(0)
    const origin = `http://localhost:${lab.port}`
    expect(await refusal(lab, { transports, cookie, origin })).toBe(200)
  })

  it('answers 500 if the storage is down', async () => {
    const { storage, failWith } = failOnDemand()
    const onBackgroundError = vi.fn()
    const lab = await openLab({ manager: new Manager({ storage, onBackgroundError }) })
    const cookie = await logIn(lab)
    failWith(new Error('the storage is down'))
    expect(await refusal(lab, { transports, cookie })).toBe(500)
    expect(onBackgroundError).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'ERR_STORAGE' }),
    )
    expect(lab.sockets).toHaveLength(0)
  })

  it('comes back without the session, when it recovers a connection after a logout', async () => {
    const lab = await openLab({ io: { connectionStateRecovery: {} } })
    const cookie = await logIn(lab)
    const client = await connect(lab, { transports, cookie, reconnection: true })
    // What can be recovered needs an offset, which comes with what the server sends.
    const told = new Promise(resolve => client.once('hello', resolve))
    lab.io.emit('hello')
    await told
    const back = new Promise(resolve => client.io.once('reconnect', resolve))
    const gone = disconnected(client)
    await logOut(lab, cookie)
    expect(['transport close', 'transport error']).toContain(await gone)
    await back
    await eventually(() => expect(client.connected).toBe(true))
    await eventually(() => expect(lab.sockets).toHaveLength(2))
    expect(await client.emitWithAck('data')).toEqual({})
    expect(await requestOf(lab.sockets[1]).session.data()).toEqual({})
  })

  it('lets go of its watches when it closes', async () => {
    const stop = vi.fn()
    const manager = new Manager({ storage: new StorageMemory() })
    vi.spyOn(manager, 'watch').mockReturnValue(stop)
    const lab = await openLab({ manager })
    const cookie = await logIn(lab)
    const client = await connect(lab, { transports, cookie })
    await connect(lab, { transports, cookie })
    expect(manager.watch).toHaveBeenCalledTimes(2)
    client.close()
    await eventually(() => expect(stop).toHaveBeenCalledTimes(1))
    await lab.io.close()
    await eventually(() => expect(stop).toHaveBeenCalledTimes(2))
  })

  it('works with the middleware of Express in its place, but for what that cannot know', async () => {
    const seen: unknown[] = []
    const lab = await openLab({
      attach(io, manager) {
        io.engine.use(expressSession(manager))
        io.engine.use(
          async (request: SessionRequest<Values>, _response: unknown, next: () => void) => {
            seen.push(await request.session.get('user'))
            next()
          },
        )
      },
    })
    const client = await connect(lab, { transports, cookie: await logIn(lab) })
    expect(new Set(seen)).toEqual(new Set(['Ada']))
    expect(await requestOf(lab.sockets[0]).session.get('user')).toBe('Ada')
    lab.sockets[0]?.on('echo', (text, reply) => reply(text))
    expect(await client.emitWithAck('echo', 1)).toBe(1)
    const changed = requestOf(lab.sockets[0]).session.update('n', () => 1)
    // Over polling, the response of the handshake has ended long ago.
    if (transports[0] === 'polling') {
      await expect(changed).rejects.toMatchObject({ code: 'ERR_HEADERS_SENT' })
    } else expect(await changed).toBe(1)
  })
})

describe('a handshake', () => {
  it('does not slip by as a part of another connection', async () => {
    const lab = await openLab()
    const bytes = [
      'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n',
    ].join('')
    for (const query of ['sid=x&sid=', 'sid=', '%73id=', 'sid']) {
      const path = `/socket.io/?EIO=4&transport=websocket&${query}`
      const [answer] = await askRaw(lab, `GET ${path} HTTP/1.1\r\n${bytes}`)
      expect(answer?.status).toBe(403)
    }
    expect(lab.io.engine.clientsCount).toBe(0)
  })

  it.each(['polling', 'websocket'])(
    'of a client that goes away opens nothing: %s',
    async transport => {
      const [asked, gone] = [makeGate(), makeGate()]
      let delays = false
      const storage = interceptStorage(async (verb, proceed) => {
        if (verb === 'load' && delays) {
          asked.open()
          await gone.opened
        }
        return proceed()
      })
      const lab = await openLab({ manager: new Manager({ storage }) })
      const opened = vi.fn()
      lab.io.engine.on('connection', opened)
      const cookie = await logIn(lab)
      delays = true
      const socket = connectTcp(lab.port, '127.0.0.1')
      socket.on('error', () => undefined)
      const upgrade =
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
      socket.write(
        `GET /socket.io/?EIO=4&transport=${transport} HTTP/1.1\r\nHost: localhost\r\n` +
          `${transport === 'polling' ? '' : upgrade}Cookie: ${cookie}\r\n\r\n`,
      )
      await asked.opened
      socket.resetAndDestroy()
      await once(socket, 'close')
      delays = false
      await connect(lab)
      gone.open()
      await connect(lab)
      expect(opened).toHaveBeenCalledTimes(2)
    },
  )
})

it('shares a server with ws, when a listener keeps their paths apart', async () => {
  const lab = await openLab()
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', async (socket, request: IncomingMessage) => {
    const { session } = request as SessionRequest<Values>
    socket.send(JSON.stringify(await session.get('user')))
  })
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
  })
  const upgrade = session(lab.manager)(sockets)
  lab.http.on('upgrade', (request, socket, head) => {
    if (!request.url?.startsWith('/socket.io/')) upgrade(request, socket, head)
  })
  const cookie = await logIn(lab)
  expect(await (await connectWs(lab, { path: '/ws', cookie })).next()).toBe('Ada')
  expect(await (await connect(lab, { cookie })).emitWithAck('data')).toEqual({ user: 'Ada' })
})

it('refuses unknown options, and a server that has no engine yet', () => {
  const io = new Server(0)
  onTestFinished(() => io.close())
  const manager = new Manager({ storage: new StorageMemory() })
  expect(() => attachSession(io.engine, manager, { closeCode: 4000 } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_OPTION' }),
  )
  expect(() => attachSession(new Server().engine, manager)).toThrow(
    'Expected `engine` to be `io.engine`, which is there once `io` has an HTTP server, got undefined',
  )
})
