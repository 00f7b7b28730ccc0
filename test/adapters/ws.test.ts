import { Manager, newSessionId, StorageMemory } from 'gsession'
import { type SessionRequest, session } from 'gsession/ws'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../helpers/eventually.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { listenOn } from '../helpers/http-servers.ts'
import { countCalls } from '../helpers/http-storage.ts'
import { connect, logIn, makeHttpServer, openLab, refusal, type Values } from './ws-lab.ts'

describe.each(['http', 'https'] as const)('a connection over %s', kind => {
  it('has the session of the browser that logged in', async () => {
    const lab = await openLab({ kind })
    const client = await connect(lab, { cookie: await logIn(lab) })
    expect(await lab.requests[0]?.session.get('user')).toBe('Ada')
    expect(await client.ask()).toEqual({ user: 'Ada' })
  })

  it('has the session of a client that sends its id in a header', async () => {
    const lab = await openLab({ kind, http: { header: 'X-Session' } })
    const login = await ask(lab, '/login', { headers: { 'x-session': '' } })
    const id = login.headers['x-session'] ?? ''
    const client = await connect(lab, { headers: { 'x-session': id } })
    expect(await client.ask()).toEqual({ user: 'Ada' })
  })

  it('has the session whose cookie has a name of its own', async () => {
    const lab = await openLab({ kind, http: { name: 'app-sid' } })
    const cookie = await logIn(lab)
    expect(cookie).toMatch(/^app-sid=/)
    const client = await connect(lab, { cookie })
    expect(await client.ask()).toEqual({ user: 'Ada' })
  })
})

describe('a connection', () => {
  it.each([
    ['no cookie', undefined],
    ['an unknown id', `sid=${newSessionId()}`],
    ['a malformed id', 'sid=../../etc/passwd'],
    ['another cookie', 'theme=dark'],
  ])('has no session with %s, and is let in', async (_what, cookie) => {
    const lab = await openLab()
    const client = await connect(lab, cookie === undefined ? {} : { cookie })
    expect(await client.ask()).toEqual({})
    expect(await lab.requests[0]?.session.data()).toEqual({})
  })

  it('is looked up once before it opens, and not at all without an id', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const lab = await openLab({ manager, answer: request => request.session.get('user') })
    const cookie = await logIn(lab)
    calls.length = 0
    await (await connect(lab)).ask()
    await (await connect(lab, { cookie: 'sid=../x' })).ask()
    expect(calls).toEqual([])
    await refusal(lab, { origin: 'https://evil.example', cookie })
    expect(calls).toEqual([])
    const beforeOpening: string[] = []
    lab.sockets.once('headers', () => beforeOpening.push(...calls))
    expect(await (await connect(lab, { cookie })).ask()).toBe('Ada')
    expect(beforeOpening).toEqual(['load'])
  })

  it('counts as a use of its session', async () => {
    const { storage, calls } = countCalls()
    const lab = await openLab({ manager: new Manager({ storage, refreshInterval: '1ms' }) })
    const cookie = await logIn(lab)
    calls.length = 0
    await connect(lab, { cookie })
    await eventually(() => expect(calls).toContain('refresh'))
  })

  it('reads the data as it is when it asks, and keeps what it was when the client connected', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await askAs(cookie, lab, '/set?theme=dark')
    expect(await client.ask()).toEqual({ user: 'Ada', theme: 'dark' })
    expect(await lab.requests[0]?.session.data()).toEqual({ user: 'Ada' })
  })

  it('saves when it is told to, and merges with what others saved', async () => {
    const lab = await openLab({
      answer: async (request, text) => {
        await using opened = request.openSession()
        await opened.data()
        await askAs(cookie, lab, '/set?fromHttp=yes')
        await opened.set('fromSocket', text)
        return opened.isDirty
      },
    })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    expect(await client.ask('hello')).toBe(true)
    expect(JSON.parse((await askAs(cookie, lab, '/')).text)).toEqual({
      user: 'Ada',
      fromHttp: 'yes',
      fromSocket: 'hello',
    })
  })

  it('saves nothing that was not closed', async () => {
    const lab = await openLab({ answer: request => request.openSession().set('lost', 1) })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await client.ask()
    client.socket.close()
    await client.closed
    expect(JSON.parse((await askAs(cookie, lab, '/')).text)).toEqual({ user: 'Ada' })
  })

  it('loses no update, with ten of them at once and HTTP beside them', async () => {
    const lab = await openLab({
      answer: request => request.openSession().update('n', n => Number(n ?? 0) + 1),
    })
    const cookie = await logIn(lab)
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(lab, { cookie })))
    const updates = clients.flatMap(client => Array.from({ length: 10 }, () => client.ask()))
    await Promise.all([...updates, askAs(cookie, lab, '/set?theme=dark')])
    expect(JSON.parse((await askAs(cookie, lab, '/')).text)).toEqual({
      user: 'Ada',
      theme: 'dark',
      n: 100,
    })
  })

  it('cannot be told a new id', async () => {
    const lab = await openLab({ answer: request => request.openSession().regenerateId() })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    expect(await client.ask()).toEqual({ failed: 'ERR_HEADERS_SENT' })
    await expect(lab.requests[0]?.session.regenerateId()).rejects.toThrow(
      'A connection cannot tell its client a new id: regenerate the id in an HTTP request',
    )
    expect(JSON.parse((await askAs(cookie, lab, '/')).text)).toEqual({ user: 'Ada' })
  })

  it.each(['update', 'set'])('begins no session by %s', async method => {
    const { storage, calls } = countCalls()
    const lab = await openLab({
      manager: new Manager({ storage }),
      answer: async request => {
        const opened = request.openSession()
        if (method === 'update') await opened.update('n', () => 1)
        else await opened.set('n', 1)
        await opened.close()
      },
    })
    for (const cookie of [`sid=${newSessionId()}`, '']) {
      const client = await connect(lab, { cookie })
      expect(await client.ask()).toEqual({ failed: 'ERR_HEADERS_SENT' })
    }
    expect(calls).not.toContain('create')
  })

  it('does not take for its own what comes later under an id that was unknown', async () => {
    const lab = await openLab()
    const id = newSessionId()
    const client = await connect(lab, { cookie: `sid=${id}` })
    const chosen = lab.manager.new()
    chosen.setId(id)
    await chosen.set('user', 'Eve')
    await chosen.close()
    expect(await client.ask()).toEqual({})
  })
})

describe('`required`', () => {
  it('lets in who has a session, and answers 401 to others', async () => {
    const lab = await openLab({ ws: { required: true } })
    const cookie = await logIn(lab)
    expect(await refusal(lab, { cookie })).toBe(101)
    expect(await refusal(lab)).toBe(401)
    expect(await refusal(lab, { cookie: `sid=${newSessionId()}` })).toBe(401)
    expect(await refusal(lab, { cookie: 'sid=%00' })).toBe(401)
    await ask(lab, '/logout', { headers: { cookie } })
    expect(await refusal(lab, { cookie })).toBe(401)
    expect(lab.requests).toHaveLength(1)
  })

  it('leaves finer questions to `verifyClient`, which finds the session', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const server = makeHttpServer('http', manager)
    const sockets = new WebSocketServer<typeof WebSocket, typeof SessionRequest<Values>>({
      noServer: true,
      verifyClient: ({ req }, done) => {
        req.session.get('role').then(role => done(role === 'admin', 403))
      },
    })
    server.on('upgrade', session(manager)(sockets))
    const lab = await listenOn('http', server)
    expect(await refusal(lab, { cookie: await logIn(lab) })).toBe(403)
    expect(await refusal(lab, { cookie: await logIn(lab, '?role=admin') })).toBe(101)
  })
})

describe('several WebSocketServers on one HTTP server', () => {
  it('share it by a listener that chooses', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const server = makeHttpServer('http', manager)
    const open = (greeting: string) => {
      const sockets = new WebSocketServer({ noServer: true })
      sockets.on('connection', async (socket: WebSocket, request: SessionRequest<Values>) =>
        socket.send(JSON.stringify([greeting, await request.session.get('user')])),
      )
      onTestFinished(() => {
        for (const socket of sockets.clients) socket.terminate()
      })
      return sockets
    }
    const withSession = session(manager)
    const chat = withSession(open('chat'))
    const news = session(manager, { required: true })(open('news'))
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/chat') chat(request, socket, head)
      else news(request, socket, head)
    })
    const lab = await listenOn('http', server)
    const cookie = cookieFrom(await ask(lab, '/login'))
    expect(await (await connect(lab, { path: '/chat', cookie })).next()).toEqual(['chat', 'Ada'])
    expect(await (await connect(lab, { path: '/chat' })).next()).toEqual(['chat', null])
    expect(await (await connect(lab, { path: '/news', cookie })).next()).toEqual(['news', 'Ada'])
    expect(await refusal(lab, { path: '/news' })).toBe(401)
  })
})

describe('options', () => {
  const manager = new Manager({ storage: new StorageMemory() })

  it.each([
    [{ origin: [] }, 'Unknown option `origin`'],
    [{ requierd: true }, 'Unknown option `requierd`'],
    [{ required: 'user' }, 'Expected `required` to be true or false, got "user"'],
    [{ closeCode: 1005 }, 'Expected `closeCode` to be 1000 to 1014'],
    [{ closeCode: 2000 }, 'Expected `closeCode`'],
    [{ closeCode: 4000.5 }, 'Expected `closeCode`'],
    [{ origins: 'https://app.example' }, 'Expected `origins` to be a list of origins'],
    [{ origins: true }, 'Expected `origins` to be a list of origins, a function, or false'],
    [
      { origins: ['app.example'] },
      "Expected `origins` to be origins such as 'https://app.example'",
    ],
    [{ origins: ['https://app.example/'] }, 'got "https://app.example/"'],
    [{ origins: ['https://*.example'] }, 'got "https://*.example"'],
    [{ origins: ['HTTPS://app.example'] }, 'got "HTTPS://app.example"'],
    [{ origins: ['https://app.example:443'] }, 'got "https://app.example:443"'],
    [{ origins: ['*'] }, 'got "*"'],
    [{ cookie: false }, 'Expected `header`'],
  ])('are refused: %o', (options, message) => {
    expect(() => session(manager, options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(message) }),
    )
  })

  it('are those of the HTTP adapters too', () => {
    const shared = { name: 'id', saveOnError: false, asyncContext: true, trustProxy: true }
    expect(session(manager, shared)).toBeTypeOf('function')
  })
})

it('what a listener throws is an uncaught exception, as in ws itself', async () => {
  const lab = await openLab()
  const mistake = new Error('a mistake of the application')
  const caught = vi.fn()
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').once('uncaughtException', caught)
  onTestFinished(() => {
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  lab.sockets.prependListener('connection', () => {
    throw mistake
  })
  await connect(lab, { cookie: await logIn(lab) })
  await eventually(() => expect(caught).toHaveBeenCalledWith(mistake, 'uncaughtException'))
})
