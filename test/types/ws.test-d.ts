// Checked by the compiler, not run: each line that must not compile says so.

import { createServer } from 'node:http'
import { Manager, type Session, StorageMemory } from 'gsession'
import { attachSession, type SessionRequest, session } from 'gsession/ws'
import { Server } from 'socket.io'
import { WebSocket, WebSocketServer } from 'ws'

interface Data {
  user: string
  views: number
}
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Equal<Actual, Expected> extends true ? [] : [never]
) => void

const manager = new Manager<Data>({ storage: new StorageMemory() })
export const server = createServer()

const sockets = new WebSocketServer<typeof WebSocket, typeof SessionRequest<Data>>({
  noServer: true,
  verifyClient: ({ req }, done) => {
    req.session.get('user').then(user => done(user === 'Ada', 403))
  },
})
server.on('upgrade', session(manager)(sockets))
sockets.on('connection', async (socket, request) => {
  expectType<WebSocket>()(socket)
  expectType<Session<Data>>()(request.session)
  expectType<Session<Data>>()(request.openSession())
  expectType<string | undefined>()(await request.session.get('user'))
  expectType<string | undefined>()(request.headers.cookie)
  // @ts-expect-error: there is no such key
  await request.session.get('nope')
  await using opened = request.openSession()
  // @ts-expect-error: views is a number
  await opened.set('views', 'x')
})

// A server of the plain type will do, when the listener says what it gets.
const plain = new WebSocketServer({ noServer: true })
server.on('upgrade', session(manager, { origins: ['https://app.example'] })(plain))
plain.on('connection', async (_socket: WebSocket, request: SessionRequest<Data>) => {
  expectType<number>()(await request.session.get('views', 0))
})

// A class of one's own for the sockets.
class Player extends WebSocket {
  score = 0
}
const game = new WebSocketServer<typeof Player>({ noServer: true, WebSocket: Player })
server.on('upgrade', session(manager, { closeCode: 4401 })(game))

// Without a type, it is the one that `Register` tells; values are unknown when none is told.
plain.on('connection', async (_socket: WebSocket, request: SessionRequest) => {
  expectType<unknown>()(await request.session.get('anything'))
})

const io = new Server(server)
attachSession(io.engine, manager, { required: true })
io.on('connection', async socket => {
  const request = socket.request as SessionRequest<Data>
  expectType<string | undefined>()(await request.openSession().get('user'))
})

session(manager, {
  origins: (origin, request) => origin.endsWith(`.${request.headers.host}`),
  required: true,
  trustProxy: true,
})
// @ts-expect-error: an asynchronous function would let everybody in
session(manager, { origins: async () => true })
// @ts-expect-error: what it stands for is false
session(manager, { origins: true })
// @ts-expect-error: there is no such option
session(manager, { origin: [] })
// @ts-expect-error: engine.io has no codes
attachSession(io.engine, manager, { closeCode: 4000 })
// @ts-expect-error: a server, not its options
session(manager)({ noServer: true })
