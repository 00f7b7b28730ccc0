import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import { checkArguments, type Emitter, UpgradeGate, type UpgradeOptions } from '../http/index.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

export type {
  CookieOptions,
  HttpSessionOptions,
  Origins,
  SessionRequest,
  UpgradeOptions,
} from '../http/index.ts'
export { attachSession, type EngineServer, type EngineSocket } from './engine.ts'

/** The options of your HTTP adapter, who may connect, and one of this adapter's own. */
export interface WebSocketSessionOptions extends UpgradeOptions {
  /**
   * The code with which a connection is closed when its session ends. 1008 is "policy violation"; 3000
   * to 4999 are for applications.
   *
   * @default 1008
   */
  closeCode?: number
}

/** What is needed of a connection of `ws`. */
export interface ClientSocket extends Emitter {
  close(code: number, reason: string): void
  once(event: 'close', listener: () => void): unknown
  removeAllListeners(event: 'message'): unknown
}

/** What is needed of a `WebSocketServer` of `ws`. */
export interface SocketServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: (client: ClientSocket, request: IncomingMessage) => void,
  ): void
  emit(event: 'connection', client: ClientSocket, request: IncomingMessage): boolean
}

/** A listener for the event `upgrade` of node:http and node:https. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** The reason that goes with the code. */
const SESSION_ENDED = 'session ended'

/**
 * Sessions for `ws` 8: `connection` listeners find theirs at `request.session`, loaded, and open it
 * anew with `request.openSession()`. A connection with a session is closed when that ends: when it is
 * removed, moves to a new id, or expires; no message of it is heard then.
 *
 * An upgrade with an id reads the session before it is answered. When that fails, the client gets a
 * 500, and the manager's `onBackgroundError` the error.
 *
 * @example
 * const sockets = new WebSocketServer({ noServer: true })
 * server.on('upgrade', session(manager)(sockets))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: WebSocketSessionOptions = {},
): (sockets: SocketServer) => UpgradeListener {
  checkArguments(manager, options)
  const { closeCode = 1008, ...upgradeOptions } = options
  if (!isCloseCode(closeCode)) {
    refuseOption('closeCode', '1000 to 1014, but for 1004 to 1006, or 3000 to 4999', closeCode)
  }
  const gate = new UpgradeGate(manager, upgradeOptions, ['closeCode'])
  return sockets => (request, socket, head) =>
    gate.open(request, {
      refused: status => refuseUpgrade(socket, status),
      admitted(run, id) {
        const connected = (client: ClientSocket): void => {
          if (id !== undefined) closeWithSession(manager, id, client, closeCode)
          run.runListeners(client)
          run.run(() => sockets.emit('connection', client, request))
        }
        run.run(() => sockets.handleUpgrade(request, socket, head, connected))
      },
    })
}

function closeWithSession<Data extends object>(
  manager: Manager<Data>,
  id: string,
  client: ClientSocket,
  closeCode: number,
): void {
  const stop = manager.watch(id, () => {
    // Until the client has agreed to close, it may go on and send.
    client.removeAllListeners('message')
    client.close(closeCode, SESSION_ENDED)
  })
  client.once('close', stop)
}

/** RFC 6455 7.4, as `ws` reads it. */
function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false
  const isDefined = code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)
  return isDefined || (code >= 3000 && code <= 4999)
}
