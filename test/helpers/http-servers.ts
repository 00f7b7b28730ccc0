import { readFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Manager } from 'gsession'
import { type HasSession, type NodeSessionOptions, session } from 'gsession/http'
import { atEnd } from './at-end.ts'

/** The kinds of server that `gsession/http` serves. */
export const KINDS = ['http', 'https', 'h2c', 'h2'] as const
export type Kind = (typeof KINDS)[number]

export const isSecureKind = (kind: Kind): boolean => kind === 'https' || kind === 'h2'
export const isHttp2Kind = (kind: Kind): boolean => kind === 'h2c' || kind === 'h2'

type Values = Record<string, unknown>

/** A listener as it is written for node:http; the compatibility side of node:http2 takes it too. */
export type Handler = (
  request: IncomingMessage & HasSession<Values>,
  response: ServerResponse,
) => unknown

export interface TestServer {
  readonly kind: Kind
  readonly port: number
}

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')

/** A certificate for localhost, signed by itself. */
export const certificate = fixture('localhost.cert.pem')
const key = fixture('localhost.key.pem')

/** What a server for localhost needs for TLS. */
export const tlsOf = (): { key: string; cert: string } => ({ key, cert: certificate })

/** Starts a server with sessions on a free port, and stops it when the test is over. */
export function serve(
  kind: Kind,
  manager: Manager,
  handler: Handler,
  options: NodeSessionOptions = {},
): Promise<TestServer> {
  return listen(kind, session(manager, options)(handler))
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Starts a server that knows no sessions. */
export function listen(kind: Kind, listener: Listener): Promise<TestServer> {
  return listenOn(kind, makeServer(kind, listener))
}

/** Lets a server listen on a free port, and stops it when the test is over. */
export async function listenOn(kind: Kind, server: NetServer): Promise<TestServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { kind, port: (server.address() as AddressInfo).port }
}

function makeServer(kind: Kind, listener: Listener): NetServer {
  const tls = tlsOf()
  if (kind === 'http') return createHttp(listener)
  if (kind === 'https') return createHttps(tls, listener)
  // The compatibility side has the same members under types of its own.
  if (kind === 'h2c') return createHttp2(listener as never)
  return createSecureServer(tls, listener as never)
}
