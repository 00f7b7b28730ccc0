import type { Server as HttpServer } from 'node:http'
import { Manager, StorageMemory } from 'gsession'
import { attachSession, type SessionRequest, type UpgradeOptions } from 'gsession/ws'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import { type Socket as ClientSocket, connect as connectClient } from 'socket.io-client'
import { expect, onTestFinished } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { listenOn, type TestServer } from '../helpers/http-servers.ts'
import { makeHttpServer, type Values } from './ws-lab.ts'

/** What a busy machine may need. */

export interface LabOptions {
  readonly manager?: Manager
  readonly options?: UpgradeOptions
  readonly io?: Partial<ServerOptions>
  /** In place of `attachSession`. */
  readonly attach?: (io: Server, manager: Manager) => void
}

export interface Lab extends TestServer {
  readonly io: Server
  readonly http: HttpServer
  readonly manager: Manager
  readonly sockets: Socket[]
}

export const requestOf = (socket: Socket | undefined) => socket?.request as SessionRequest<Values>

/** An HTTP server on which one logs in, with socket.io whose sockets answer `data` and `count`. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const manager = options.manager ?? new Manager({ storage: new StorageMemory() })
  const http = makeHttpServer('http', manager)
  const io = new Server(http, options.io)
  if (options.attach === undefined) attachSession(io.engine, manager, options.options)
  else options.attach(io, manager)
  const sockets: Socket[] = []
  const welcome = (socket: Socket): void => {
    sockets.push(socket)
    socket.on('data', async reply => reply(await requestOf(socket).openSession().data()))
    socket.on('count', async reply =>
      reply(
        await requestOf(socket)
          .openSession()
          .update('n', n => Number(n ?? 0) + 1),
      ),
    )
  }
  io.on('connection', welcome)
  io.of('/admin').on('connection', welcome)
  onTestFinished(async () => {
    await io.close()
  })
  return { ...(await listenOn('http', http)), io, http, manager, sockets }
}

export interface Connect {
  readonly transports?: readonly ('polling' | 'websocket')[]
  readonly cookie?: string
  readonly origin?: string
  readonly namespace?: string
  readonly reconnection?: boolean
}

function clientFor(lab: TestServer, options: Connect): ClientSocket {
  const {
    transports = ['websocket'],
    cookie,
    origin,
    namespace = '',
    reconnection = false,
  } = options
  const client = connectClient(`http://localhost:${lab.port}${namespace}`, {
    transports: [...transports],
    extraHeaders: {
      ...(cookie === undefined ? {} : { cookie }),
      ...(origin === undefined ? {} : { origin }),
    },
    forceNew: true,
    reconnection,
    reconnectionDelay: 10,
  })
  onTestFinished(() => {
    client.close()
  })
  return client
}

/** Connects, and waits until the last of its transports is the one in use. */
export async function connect(lab: TestServer, options: Connect = {}): Promise<ClientSocket> {
  const { transports = ['websocket'] } = options
  const client = clientFor(lab, options)
  await new Promise<void>((resolve, reject) => {
    client.once('connect', resolve)
    client.once('connect_error', reject)
  })
  const { engine } = client.io
  await eventually(() => expect(engine.transport.name).toBe(transports.at(-1)))
  return client
}

/** The status with which a handshake is refused; 200 when it is not. */
export async function refusal(lab: TestServer, options: Connect): Promise<number> {
  const client = clientFor(lab, options)
  return new Promise(resolve => {
    client.once('connect', () => resolve(200))
    client.once('connect_error', error => {
      const { description } = error as Error & { description?: number | { message: string } }
      resolve(
        typeof description === 'number'
          ? description
          : Number(/\d{3}$/.exec(description?.message ?? '')?.[0]),
      )
    })
  })
}

export const disconnected = (client: ClientSocket): Promise<unknown> =>
  new Promise(resolve => client.once('disconnect', resolve))
