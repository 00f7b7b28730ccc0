import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { atEnd } from './at-end.ts'
import type { TestServer } from './http-servers.ts'

/** One address for servers that follow each other, so that a page can stay open meanwhile. */
export interface Relay {
  readonly port: number
  /** Cuts off who is connected, and leads those who come from now on to this server. */
  leadTo(server: TestServer): void
}

/** Starts a relay on a free port, and stops it when the test is over. */
export async function startRelay(first: TestServer): Promise<Relay> {
  let port = first.port
  const sockets = new Set<Socket>()
  const cutOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const relay = createServer(client => {
    const server = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      // Both ends go together; what was wrong with one is no matter of the test.
      from.on('error', () => {})
      from.once('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  atEnd(async () => {
    cutOff()
    await new Promise(resolve => relay.close(resolve))
  })
  return {
    port: (relay.address() as AddressInfo).port,
    leadTo(server) {
      port = server.port
      cutOff()
    },
  }
}
