import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { Manager, StorageMemory } from 'gsession'
import { type HttpSessionOptions, session as httpSession } from 'gsession/http'
import { type SessionRequest, session, type WebSocketSessionOptions } from 'gsession/ws'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { certificate, listenOn, type TestServer, tlsOf } from '../helpers/http-servers.ts'

export type Values = Record<string, unknown>
export type Sockets = ReturnType<typeof makeSockets>
/** Answers a message of a client. */
export type Answer = (request: SessionRequest<Values>, text: string) => Promise<unknown> | unknown

export interface LabOptions {
  readonly kind?: 'http' | 'https'
  readonly manager?: Manager
  readonly http?: HttpSessionOptions
  readonly ws?: WebSocketSessionOptions
  /** What a client gets back for each message, as JSON. */
  readonly answer?: Answer
}

/** A server with sessions over HTTP, and for WebSockets. */
export interface Lab extends TestServer {
  readonly manager: Manager
  readonly sockets: Sockets
  /** The requests that became connections. */
  readonly requests: SessionRequest<Values>[]
}

/** Answers with what the session holds. */
const answerData: Answer = request => request.openSession().data()

/** An HTTP server on which one logs in, changes the session and logs out. */
export function makeHttpServer(
  kind: 'http' | 'https',
  manager: Manager,
  options: HttpSessionOptions = {},
): HttpServer {
  const listener = httpSession(
    manager,
    options,
  )(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    if (pathname === '/login') {
      await request.session.regenerateId()
      await request.session.setMap({ user: 'Ada', ...Object.fromEntries(searchParams) })
    } else if (pathname === '/set') await request.session.setMap(Object.fromEntries(searchParams))
    else if (pathname === '/regenerate') await request.session.regenerateId()
    else if (pathname === '/logout') await request.session.removeAll()
    response.end(JSON.stringify(await request.session.data()))
  })
  return kind === 'https' ? createHttps(tlsOf(), listener) : createServer(listener)
}

const makeSockets = () =>
  new WebSocketServer<typeof WebSocket, typeof SessionRequest<Values>>({ noServer: true })

/** Starts such a server, with WebSockets on all paths, and stops it when the test is over. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const { kind = 'http', answer = answerData } = options
  const manager = options.manager ?? new Manager({ storage: new StorageMemory() })
  const server = makeHttpServer(kind, manager, options.http)
  const sockets = makeSockets()
  const requests: SessionRequest<Values>[] = []
  sockets.on('connection', (socket, request) => {
    requests.push(request)
    socket.on('message', async data => {
      const text = await Promise.resolve()
        .then(() => answer(request, String(data)))
        .catch(error => ({ failed: error.code ?? String(error) }))
      socket.send(JSON.stringify(text ?? null))
    })
  })
  server.on('upgrade', session(manager, { ...options.http, ...options.ws })(sockets))
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
  })
  return { ...(await listenOn(kind, server)), manager, sockets, requests }
}

/** Logs in over HTTP, and answers the Cookie header of that visitor. */
export async function logIn(server: TestServer, query = ''): Promise<string> {
  return cookieFrom(await ask(server, `/login${query}`))
}

export const logOut = (server: TestServer, cookie: string) => askAs(cookie, server, '/logout')

export interface Connect {
  readonly path?: string
  readonly cookie?: string
  readonly origin?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A client of `ws`. */
export class Client {
  readonly socket: WebSocket
  /** How it was closed, once it was. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #answers: unknown[] = []
  readonly #waiting: ((answer: unknown) => void)[] = []

  constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: `${reason}` }))
    socket.on('message', data => {
      const answer: unknown = JSON.parse(String(data))
      const resolve = this.#waiting.shift()
      if (resolve === undefined) this.#answers.push(answer)
      else resolve(answer)
    })
  }

  /** Sends a message, and waits for the answer. */
  ask(text = ''): Promise<unknown> {
    this.socket.send(text)
    return this.next()
  }

  /** The next message that comes. */
  next(): Promise<unknown> {
    if (this.#answers.length > 0) return Promise.resolve(this.#answers.shift())
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

function clientFor(server: TestServer, { path = '/', cookie, origin, headers = {} }: Connect) {
  const scheme = server.kind === 'https' ? 'wss' : 'ws'
  return new WebSocket(`${scheme}://localhost:${server.port}${path}`, {
    ca: certificate,
    headers: { ...headers, ...(cookie === undefined ? {} : { cookie }) },
    ...(origin === undefined ? {} : { origin }),
  })
}

/** Connects; rejects when the server refuses. */
export async function connect(server: TestServer, options: Connect = {}): Promise<Client> {
  const socket = clientFor(server, options)
  const client = new Client(socket)
  await once(socket, 'open')
  return client
}

/** Connects to a server that refuses, and answers the status; 101 when it did not. */
export function refusal(server: TestServer, options: Connect = {}): Promise<number> {
  const socket = clientFor(server, options)
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      resolve(response.statusCode ?? 0)
      // What ws says of a client that is given up before it is open.
      socket.on('error', () => undefined)
      socket.terminate()
    })
    socket.once('open', () => {
      resolve(101)
      socket.terminate()
    })
    socket.once('error', reject)
  })
}
