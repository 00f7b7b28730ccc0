import { Manager, StorageMemory } from 'gsession'
import { attachSession, session } from 'gsession/ws'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { listenOn } from '../helpers/http-servers.ts'
import * as io from './socket-io-lab.ts'
import * as ws from './ws-lab.ts'

const ADMIN = { property: 'adminSession', name: 'admin' } as const

/** A manager with a stored session, and the cookie of its visitor. */
async function visited(name: string, user: string) {
  const errors: unknown[] = []
  const manager = new Manager({
    storage: new StorageMemory(),
    onBackgroundError: error => errors.push(error),
  })
  const visit = manager.new()
  await visit.set('user', user)
  await visit.close()
  return { manager, errors, cookie: `${name}=${await visit.id()}` }
}

describe('several sessions of a connection', () => {
  it('are found by property, by ws', async () => {
    const { manager, cookie } = await visited('admin', 'root')
    const lab = await ws.openLab({
      manager,
      http: ADMIN,
      answer: async request => [
        await Reflect.get(request, 'adminSession').get('user'),
        await request.openSession().get('user'),
        await request.openSession('adminSession').get('user'),
        'session' in request,
      ],
    })
    const client = await ws.connect(lab, { cookie })
    expect(await client.ask()).toEqual(['root', 'root', 'root', false])
  })

  it('are found by property, by socket.io', async () => {
    const visitor = await visited('sid', 'ann')
    const admin = await visited('admin', 'root')
    const lab = await io.openLab({
      manager: visitor.manager,
      attach(server, manager) {
        attachSession(server.engine, manager)
        attachSession(server.engine, admin.manager, ADMIN)
      },
    })
    await io.connect(lab, { cookie: `${visitor.cookie}; ${admin.cookie}` })
    const request = io.requestOf(lab.sockets[0])
    const found = [
      request.session,
      Reflect.get(request, 'adminSession'),
      request.openSession(),
      request.openSession('session'),
      request.openSession('adminSession'),
    ]
    expect(await Promise.all(found.map(each => each.get('user')))).toEqual([
      'ann',
      'root',
      'ann',
      'ann',
      'root',
    ])
    expect(() => request.openSession('other')).toThrow(/`property`/)
  })

  it.each([
    ['property', {}],
    ['name', { property: 'adminSession' }],
  ])(
    'that do not fit are refused, with the error in the background: %s',
    async (option, options) => {
      const visitor = await visited('sid', 'ann')
      const other = await visited('sid', 'ann')
      const lab = await io.openLab({
        manager: visitor.manager,
        attach(server, manager) {
          attachSession(server.engine, manager)
          attachSession(server.engine, other.manager, options)
        },
      })
      await expect(io.connect(lab, { cookie: visitor.cookie })).rejects.toThrow()
      expect(other.errors).toEqual([expect.objectContaining({ code: 'ERR_OPTION' })])
      expect(String(other.errors[0])).toContain(`\`${option}\``)
    },
  )

  it('cannot be assigned', async () => {
    const { manager, cookie } = await visited('sid', 'ann')
    const lab = await ws.openLab({
      manager,
      answer: request => new Function('request', 'request.session = null')(request),
    })
    const client = await ws.connect(lab, { cookie })
    expect(await client.ask()).toEqual({ failed: 'ERR_VALUE' })
  })
})

it('refuses an upgrade whose property is taken', async () => {
  const { manager, errors, cookie } = await visited('sid', 'ann')
  const http = ws.makeHttpServer('http', manager)
  const upgrade = session(manager)(new WebSocketServer({ noServer: true }))
  http.on('upgrade', (request, socket, head) => {
    Object.assign(request, { session: 'of another package' })
    upgrade(request, socket, head)
  })
  expect(await ws.refusal(await listenOn('http', http), { cookie })).toBe(500)
  expect(errors).toEqual([expect.objectContaining({ code: 'ERR_OPTION' })])
})
