import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { Manager, StorageMemory } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { heldTime } from '../helpers/held-time.ts'
import { askRaw } from '../helpers/http-raw.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { failOnDemand, interceptStorage } from '../helpers/http-storage.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'
import { connect, logIn, openLab, refusal } from './ws-lab.ts'

allowNoUnhandledRejections()

const down = new Error('the storage is down')

/** A storage that can be told to answer no question any more, those of a watch included. */
function failToRead(inner: StorageMemory): { storage: StorageMemory; fail(): void } {
  let fails = false
  const storage = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (fails && (name === 'load' || name === 'peek')) throw down
        return Reflect.apply(member, target, args)
      }
    },
  })
  const fail = (): void => {
    fails = true
  }
  return { storage, fail }
}

describe('a storage that is down', () => {
  it.each([true, false])('is never "no session": 500, with `required: %s`', async required => {
    const { storage, failWith } = failOnDemand()
    const errors: Error[] = []
    const manager = new Manager({ storage, onBackgroundError: error => errors.push(error) })
    const lab = await openLab({ manager, ws: { required } })
    const cookie = await logIn(lab)
    failWith(down)
    expect(await refusal(lab, { cookie })).toBe(500)
    expect(errors).toMatchObject([{ code: 'ERR_STORAGE', cause: down }])
    expect(lab.requests).toEqual([])
  })

  it('does not matter to who has no id, unless a session is required', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(down)
    const manager = new Manager({ storage })
    expect(await refusal(await openLab({ manager }))).toBe(101)
    expect(await refusal(await openLab({ manager, ws: { required: true } }))).toBe(401)
  })

  it('closes no connection', async () => {
    const errors: Error[] = []
    const { clock, letGo } = heldTime()
    const { storage, fail } = failToRead(new StorageMemory({ clock }))
    const onBackgroundError = (error: Error) => errors.push(error)
    const lab = await openLab({
      manager: new Manager({ ttl: '500ms', storage, clock, onBackgroundError }),
      answer: async request => ({ user: await request.session.get('user') }),
    })
    const client = await connect(lab, { cookie: await logIn(lab) })
    expect(await client.ask()).toEqual({ user: 'Ada' })
    fail()
    letGo()
    // The watch looks when the session should have expired.
    await eventually(() => expect(errors.length).toBeGreaterThan(0))
    expect(errors[0]).toMatchObject({ code: 'ERR_STORAGE', cause: down })
    expect(await client.ask()).toEqual({ user: 'Ada' })
  })

  it('is an error of the session that is opened on a connection', async () => {
    const { storage, failWith } = failOnDemand()
    const manager = new Manager({ storage, onBackgroundError: () => undefined })
    const lab = await openLab({ manager })
    const client = await connect(lab, { cookie: await logIn(lab) })
    failWith(down)
    expect(await client.ask()).toEqual({ failed: 'ERR_STORAGE' })
  })
})

const UPGRADE = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
const VERSION = 'Sec-WebSocket-Version: 13\r\n'
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

describe('a malformed upgrade', () => {
  it.each([
    ['without a key', `GET / HTTP/1.1\r\n${UPGRADE}${VERSION}\r\n`, 400],
    [
      'of an unknown version',
      `GET / HTTP/1.1\r\n${UPGRADE}${KEY}Sec-WebSocket-Version: 1\r\n\r\n`,
      400,
    ],
    ['by POST', `POST / HTTP/1.1\r\n${UPGRADE}${KEY}${VERSION}\r\n`, 405],
    [
      'to another protocol',
      `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: chat\r\n${KEY}${VERSION}\r\n`,
      400,
    ],
  ])('%s is answered by ws', async (_what, bytes, status) => {
    const lab = await openLab()
    const cookie = `Cookie: ${await logIn(lab)}\r\n`
    const [answer] = await askRaw(lab, bytes.replace('Host:', `${cookie}Host:`))
    expect(answer?.status).toBe(status)
    expect(lab.requests).toEqual([])
  })

  it('of a cookie has no session, and harms nobody', async () => {
    const lab = await openLab()
    for (const cookie of ['sid', '=', ';;;', `sid=${'x'.repeat(5000)}`, 'sid=\xff\xfe']) {
      expect(await refusal(lab, { cookie })).toBe(101)
    }
    expect(lab.requests).toHaveLength(5)
  })
})

/** A client that asks for an upgrade and goes away when it is told to. */
function openSocket(server: TestServer, cookie: string, more = Buffer.alloc(0)) {
  const socket = connectTcp(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET / HTTP/1.1\r\n${UPGRADE}${KEY}${VERSION}Cookie: ${cookie}\r\n\r\n`)
  socket.write(more)
  return socket
}

describe('a client that goes away while its session is being looked up', () => {
  it.each(['reset', 'end'])('by %s becomes no connection', async way => {
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
    const cookie = await logIn(lab)
    delays = true
    const [socket, upgrade] = [openSocket(lab, cookie), vi.fn()]
    lab.sockets.on('headers', upgrade)
    await asked.opened
    const closed = once(socket, 'close')
    if (way === 'reset') socket.resetAndDestroy()
    else socket.end()
    if (way === 'reset') await closed
    // What the system has told of this client by now, the server has heard when another is served.
    delays = false
    await connect(lab)
    gone.open()
    await closed
    expect(lab.requests).toHaveLength(1)
  })

  it('hides no failure of the storage', async () => {
    const [asked, gone] = [makeGate(), makeGate()]
    const errors = vi.fn()
    let delays = false
    const storage = interceptStorage(async (verb, proceed) => {
      if (verb !== 'load' || !delays) return proceed()
      asked.open()
      await gone.opened
      throw down
    })
    const lab = await openLab({ manager: new Manager({ storage, onBackgroundError: errors }) })
    const cookie = await logIn(lab)
    delays = true
    const socket = openSocket(lab, cookie)
    await asked.opened
    socket.resetAndDestroy()
    await once(socket, 'close')
    delays = false
    await connect(lab)
    gone.open()
    await eventually(() => expect(errors).toHaveBeenCalledOnce())
  })
})

it('what a client sends with its handshake is heard, after a first read of the session', async () => {
  const lab = await openLab({ manager: new Manager({ storage: new StorageMemory() }) })
  const heard: unknown[] = []
  lab.sockets.removeAllListeners('connection').on('connection', async (socket, request) => {
    const user = await request.session.get('user')
    socket.on('message', data => heard.push([user, String(data)]))
  })
  // A text frame with the word "early", masked with zeros.
  const frame = Buffer.concat([Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from('early')])
  const socket = openSocket(lab, await logIn(lab), frame)
  await eventually(() => expect(heard).toEqual([['Ada', 'early']]))
  socket.destroy()
})
