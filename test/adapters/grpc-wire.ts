import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A connection that can be cut. */
export class Wire {
  readonly #sockets: Socket[] = []

  /** Leads to a port from another one, which it answers. */
  async to(port: number): Promise<number> {
    const server = createServer(socket => {
      const target = connect(port, '127.0.0.1')
      for (const end of [socket, target]) end.on('error', () => undefined)
      socket.pipe(target).pipe(socket)
      this.#sockets.push(socket, target)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      this.cut()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
