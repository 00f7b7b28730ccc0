import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager, StorageMemory } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { heldTime } from '../helpers/held-time.ts'
import { askAs } from '../helpers/http-client.ts'
import { connect, logIn, logOut, openLab } from './ws-lab.ts'

const ENDED = { code: 1008, reason: 'session ended' }

/** A storage in memory that counts who watches it. */
function countWatches(inner = new StorageMemory()): { storage: StorageMemory; watches(): number } {
  let watches = 0
  const storage = new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (name === 'watch') {
        return (...args: unknown[]) => {
          watches++
          const stop =
            typeof member === 'function' ? Reflect.apply(member, target, args) : undefined
          return () => {
            watches--
            stop?.()
          }
        }
      }
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { storage, watches: () => watches }
}

describe('a connection is closed', () => {
  it('with 1008 when its visitor logs out over HTTP, and no other is', async () => {
    const lab = await openLab()
    const [ada, eve] = [await logIn(lab), await logIn(lab, '?user=Eve')]
    const clients = [await connect(lab, { cookie: ada }), await connect(lab, { cookie: ada })]
    const others = [await connect(lab, { cookie: eve }), await connect(lab)]
    await logOut(lab, ada)
    for (const client of clients) expect(await client.closed).toEqual(ENDED)
    expect(await Promise.all(others.map(client => client.ask()))).toEqual([{ user: 'Eve' }, {}])
  })

  it('when its session moves to a new id', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await askAs(cookie, lab, '/regenerate')
    expect(await client.closed).toEqual(ENDED)
  })

  it('when its session expires, and not while others use that', async () => {
    const { clock, pass, letGo } = heldTime()
    const storage = new StorageMemory({ clock })
    const lab = await openLab({ manager: new Manager({ ttl: '500ms', storage, clock }) })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    const closed = vi.fn()
    client.socket.once('close', closed)
    // Longer than the ttl, by either clock, in which the session is used all the time.
    for (let n = 0; n < 10; n++) {
      pass(150)
      await askAs(cookie, lab, '/')
      await wait(100)
    }
    expect(closed).not.toHaveBeenCalled()
    letGo()
    expect(await client.closed).toEqual(ENDED)
  })

  it('when it removes its session itself', async () => {
    const lab = await openLab({ answer: request => request.openSession().removeAll() })
    const client = await connect(lab, { cookie: await logIn(lab) })
    client.socket.send('log me out')
    expect(await client.closed).toEqual(ENDED)
  })

  it('with the code that was chosen', async () => {
    const lab = await openLab({ ws: { closeCode: 4401 } })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await logOut(lab, cookie)
    expect(await client.closed).toEqual({ code: 4401, reason: 'session ended' })
  })

  it('when its session ends while it is being opened', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    // The session has been found, and the handshake is about to be answered.
    const loggedOut = new Promise(resolve => {
      lab.sockets.once('headers', (_headers, request) => resolve(request.openSession().removeAll()))
    })
    const client = await connect(lab, { cookie })
    expect(await client.closed).toEqual(ENDED)
    await loggedOut
  })
})

describe('once its session has ended, a connection', () => {
  it('is not heard any more, even if its client does not agree to close', async () => {
    const heard: string[] = []
    const lab = await openLab({ answer: (_request, text) => heard.push(text) })
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await client.ask('before')
    const [server] = lab.sockets.clients
    // A client that reads nothing does not see the close frame, and goes on.
    client.socket.pause()
    await logOut(lab, cookie)
    await eventually(() => expect(server?.readyState).toBe(server?.CLOSING))
    // The server hears of what a client sends, in order: the ping after it has come, so has it.
    client.socket.send('after')
    client.socket.ping()
    if (server !== undefined) await once(server, 'ping')
    expect(heard).toEqual(['before'])
  })

  it('finds no session, and cannot begin it anew', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    const client = await connect(lab, { cookie })
    await logOut(lab, cookie)
    await client.closed
    const opened = lab.requests[0]?.openSession()
    expect(await opened?.data()).toEqual({})
    await expect(opened?.update('n', () => 1)).rejects.toMatchObject({ code: 'ERR_GONE' })
    const late = lab.requests[0]?.session
    await late?.set('user', 'Ada')
    await expect(late?.close()).rejects.toMatchObject({ code: 'ERR_GONE' })
    expect((await askAs(cookie, lab, '/')).text).toBe('{}')
  })
})

describe('a watch', () => {
  it('ends with its connection, however that ends', async () => {
    const { storage, watches } = countWatches()
    const lab = await openLab({ manager: new Manager({ storage }) })
    const cookie = await logIn(lab)
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(lab, { cookie })))
    await connect(lab)
    await eventually(() => expect(watches()).toBe(4))
    clients[0]?.socket.close()
    await eventually(() => expect(watches()).toBe(3))
    clients[1]?.socket.terminate()
    await eventually(() => expect(watches()).toBe(2))
    // A shutdown as ws has it: the server lets go of its clients.
    for (const socket of lab.sockets.clients) socket.terminate()
    await eventually(() => expect(watches()).toBe(0))
  })

  it('does not keep a session alive, and ends with it', async () => {
    const { clock, letGo } = heldTime()
    const { storage, watches } = countWatches(new StorageMemory({ clock }))
    const lab = await openLab({ manager: new Manager({ ttl: '500ms', storage, clock }) })
    const client = await connect(lab, { cookie: await logIn(lab) })
    expect(watches()).toBe(1)
    letGo()
    expect(await client.closed).toEqual(ENDED)
    expect(watches()).toBe(0)
  })
})
