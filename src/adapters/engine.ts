import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import {
  checkArguments,
  type Emitter,
  UpgradeGate,
  type UpgradeOptions,
  type UpgradeRun,
} from '../http/index.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

/** What is needed of a connection of engine.io, which is what carries those of socket.io. */
export interface EngineSocket extends Emitter {
  readonly request: IncomingMessage
  once(event: 'close', listener: () => void): unknown
  /** @param discard - drops what waits to be sent */
  close(discard?: boolean): void
}

/** What is needed of `io.engine`. */
export interface EngineServer {
  use(
    middleware: (
      request: IncomingMessage,
      response: ServerResponse,
      next: (error?: unknown) => void,
    ) => void,
  ): unknown
  on(event: 'connection', listener: (socket: EngineSocket) => void): unknown
}

/**
 * Sessions for socket.io 4, over both of its transports: `socket.request` has the `session`, loaded,
 * and `openSession()`. Call it before clients connect. A connection with a session is closed when that
 * ends: when it is removed, moves to a new id, or expires.
 *
 * A handshake with an id reads the session before it is answered; what follows on its connection does
 * not. When that fails, the client gets a 500, and the manager's `onBackgroundError` the error.
 *
 * @example
 * attachSession(io.engine, manager)
 * io.on('connection', async socket => socket.request.session.get('user'))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function attachSession<Data extends object>(
  engine: EngineServer,
  manager: Manager<Data>,
  options: UpgradeOptions = {},
): void {
  if (typeof engine?.use !== 'function') {
    refuseOption('engine', '`io.engine`, which is there once `io` has an HTTP server', engine)
  }
  checkArguments(manager, options, 'attachSession(io.engine, manager, options)')
  const gate = new UpgradeGate(manager, options)
  const admitted = new WeakMap<IncomingMessage, { run: UpgradeRun<Data>; id: string | undefined }>()
  engine.use((request, response, next) => {
    if (continuesConnection(request)) return next()
    gate.open(request, {
      refused: status => refuse(request, response, status),
      admitted(run, id) {
        admitted.set(request, { run, id })
        run.run(next)
      },
    })
  })
  engine.on('connection', socket => {
    const handshake = admitted.get(socket.request)
    if (handshake === undefined) return
    const { run, id } = handshake
    run.runListeners(socket)
    if (id === undefined) return
    const stop = manager.watch(id, () => socket.close(true))
    socket.once('close', stop)
  })
}

/** Whether engine.io takes a request for a part of a connection that is open, not for a handshake. */
function continuesConnection(request: IncomingMessage & { _query?: { sid?: string } }): boolean {
  // Read from where engine.io reads it: what it takes for a handshake must not pass unseen.
  return Boolean(request._query?.sid)
}

/** What stands for the response of an upgrade can carry no status: the socket must. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  if (request.headers.upgrade === undefined) response.writeHead(status).end()
  else refuseUpgrade(request.socket, status)
}
