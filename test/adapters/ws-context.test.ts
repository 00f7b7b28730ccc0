import { once } from 'node:events'
import { currentSession, Manager, StorageMemory } from 'gsession'
import { type SessionRequest, session } from 'gsession/ws'
import { describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../helpers/eventually.ts'
import { askAs } from '../helpers/http-client.ts'
import { listenOn } from '../helpers/http-servers.ts'
import { connect as connectIo, openLab as openIoLab } from './socket-io-lab.ts'
import { type Client, connect, logIn, makeHttpServer, openLab, type Values } from './ws-lab.ts'

const asyncContext = { asyncContext: true }

/** Looked up from below, some time after the event. */
async function theme(): Promise<unknown> {
  await new Promise(resolve => setImmediate(resolve))
  return currentSession().get('theme', 'none')
}

describe('with `asyncContext`, the current session of a WebSocket', () => {
  /** Notes the theme of a session at the events of its connections, as they come. */
  async function openNoting() {
    const lab = await openLab({ http: asyncContext, answer: () => theme() })
    const seen: string[] = []
    const note = async (what: string) => void seen.push(`${what} ${await theme()}`)
    lab.sockets.on('connection', (socket, request) => {
      void note(currentSession() === request.session ? 'connection' : 'another connection')
      for (const event of ['ping', 'pong', 'close']) socket.on(event, () => note(event))
    })
    return { lab, seen }
  }

  it('is there in all listeners, and has what the session holds at each event', async () => {
    const { lab, seen } = await openNoting()
    const cookie = await logIn(lab, '?theme=light')
    const client = await connect(lab, { cookie })
    expect(await client.ask()).toBe('light')
    const hasSeen = (line: string) => eventually(() => expect(seen).toContain(line))
    await hasSeen('connection light')
    await askAs(cookie, lab, '/set?theme=dark')
    expect(await client.ask()).toBe('dark')
    client.socket.ping()
    await hasSeen('ping dark')
    for (const socket of lab.sockets.clients) socket.ping()
    await hasSeen('pong dark')
    client.socket.close()
    await hasSeen('close dark')
    expect(await lab.requests[0]?.session.get('theme')).toBe('light')
  })

  it('is that of its own connection, with many at once', async () => {
    const { lab } = await openNoting()
    const themes = ['light', 'dark', 'blue', 'none']
    const clients: Client[] = []
    for (const name of themes) {
      const cookie = name === 'none' ? undefined : await logIn(lab, `?theme=${name}`)
      clients.push(await connect(lab, cookie === undefined ? {} : { cookie }))
    }
    const asked = [...clients, ...clients, ...clients]
    const answers = await Promise.all(asked.map(client => client.ask()))
    expect(answers).toEqual([...themes, ...themes, ...themes])
  })

  it('is one for all listeners of an event, and another for the next', async () => {
    const lab = await openLab({ http: asyncContext })
    const sessions: unknown[] = []
    lab.sockets.on('connection', socket => {
      for (let n = 0; n < 2; n++) socket.on('message', () => sessions.push(currentSession()))
      socket.addEventListener('message', () => sessions.push(currentSession()))
    })
    const client = await connect(lab, { cookie: await logIn(lab) })
    await client.ask()
    await client.ask()
    expect(sessions).toHaveLength(6)
    expect(new Set(sessions)).toHaveLength(2)
    expect(new Set(sessions.slice(0, 3))).toHaveLength(1)
  })

  it('saves what a message changes when it is closed', async () => {
    const lab = await openLab({
      http: asyncContext,
      async answer(request, text) {
        await using session = currentSession()
        expect(session).not.toBe(request.session)
        await session.set('theme', text)
      },
    })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await client.ask('dark')
    expect(JSON.parse((await askAs(cookie, lab, '/')).text)).toMatchObject({ theme: 'dark' })
  })

  it('is there when the session has ended, which closes the connection', async () => {
    const { lab, seen } = await openNoting()
    const cookie = await logIn(lab, '?theme=light')
    const client = await connect(lab, { cookie })
    expect(await client.ask()).toBe('light')
    await askAs(cookie, lab, '/logout')
    expect(await client.closed).toEqual({ code: 1008, reason: 'session ended' })
    await eventually(() => expect(seen).toContain('close none'))
  })

  it('is there in verifyClient', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const themes: unknown[] = []
    const sockets = new WebSocketServer<typeof WebSocket, typeof SessionRequest<Values>>({
      noServer: true,
      verifyClient(_, done) {
        void theme().then(found => {
          themes.push(found)
          done(true)
        })
      },
    })
    const http = makeHttpServer('http', manager).on(
      'upgrade',
      session(manager, asyncContext)(sockets),
    )
    const server = await listenOn('http', http)
    const client = await connect(server, { cookie: await logIn(server, '?theme=light') })
    client.socket.terminate()
    expect(themes).toEqual(['light'])
  })
})

it('without `asyncContext`, a WebSocket has no current session', async () => {
  const lab = await openLab({ answer: () => theme() })
  const inListener = new Promise(resolve => {
    lab.sockets.once('connection', () => resolve(theme().catch(error => error)))
  })
  const client = await connect(lab, { cookie: await logIn(lab) })
  expect(await client.ask()).toEqual({ failed: 'ERR_CONTEXT' })
  expect(await inListener).toMatchObject({ code: 'ERR_CONTEXT' })
  for (const socket of lab.sockets.clients) expect(Object.hasOwn(socket, 'emit')).toBe(false)
})

describe.each([
  { name: 'polling', transports: ['polling'] },
  { name: 'websocket', transports: ['websocket'] },
  { name: 'polling, then websocket', transports: ['polling', 'websocket'] },
] as const)('with `asyncContext`, the current session of socket.io over $name', row => {
  const { transports } = row

  it('is there in middlewares and listeners, and has what the session holds at each event', async () => {
    const lab = await openIoLab({ options: asyncContext })
    const seen: string[] = []
    const note = async (what: string) => void seen.push(`${what} ${await theme()}`)
    lab.io.use((_socket, next) => void note('middleware').then(() => next()))
    lab.io.on('connection', socket => {
      void note('connection')
      socket.on('theme', async reply => reply(await theme()))
      socket.on('disconnect', () => note('disconnect'))
    })
    const cookie = await logIn(lab, '?theme=light')
    const client = await connectIo(lab, { transports, cookie })
    expect(await client.emitWithAck('theme')).toBe('light')
    await eventually(() => expect(seen).toEqual(['middleware light', 'connection light']))
    await askAs(cookie, lab, '/set?theme=dark')
    expect(await client.emitWithAck('theme')).toBe('dark')
    const [socket] = lab.sockets
    if (socket === undefined) throw new Error('Expected a connection')
    const gone = once(socket, 'disconnect')
    client.close()
    await gone
    await eventually(() => expect(seen.at(-1)).toBe('disconnect dark'))
  })

  it('is that of its own connection, with many at once', async () => {
    const lab = await openIoLab({ options: asyncContext })
    lab.io.on('connection', socket => {
      socket.on('theme', async reply => reply(await theme()))
    })
    const themes = ['light', 'dark', 'none']
    const clients = []
    for (const name of themes) {
      const cookie = name === 'none' ? {} : { cookie: await logIn(lab, `?theme=${name}`) }
      clients.push(await connectIo(lab, { transports, ...cookie }))
    }
    const asked = [...clients, ...clients, ...clients]
    const answers = await Promise.all(asked.map(client => client.emitWithAck('theme')))
    expect(answers).toEqual([...themes, ...themes, ...themes])
  })

  it('is not there without', async () => {
    const lab = await openIoLab()
    lab.io.on('connection', socket => {
      socket.on('theme', reply => theme().catch(error => reply(error.code)))
    })
    const client = await connectIo(lab, { transports, cookie: await logIn(lab) })
    expect(await client.emitWithAck('theme')).toBe('ERR_CONTEXT')
  })
})
