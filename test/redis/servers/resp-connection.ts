import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Reply, RespError, RespParser } from './resp-parser.ts'

/** Where a server is, and who one is there. */
export interface Address {
  readonly port: number
  /** The certificate to trust; without it the connection is a plain one. */
  readonly ca?: string
  readonly user?: string
  readonly password?: string
}

interface Waiting {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** A connection that speaks RESP2 by itself, so that no client library is between a test and a server. */
export class RespConnection {
  readonly #socket: Socket
  readonly #parser = new RespParser()
  readonly #waiting: Waiting[] = []
  /** Gets the replies that no call waits for: what MONITOR and SUBSCRIBE send. */
  onMessage: (message: Reply) => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', bytes => this.#receive(Buffer.from(bytes)))
    socket.on('error', () => undefined)
    socket.once('close', () => this.#failAll())
  }

  static async open(address: Address): Promise<RespConnection> {
    const { port, ca, user = 'default', password } = address
    const place = { host: '127.0.0.1', port }
    const socket = ca === undefined ? connect(place) : connectTls({ ...place, ca })
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    socket.setNoDelay(true)
    const connection = new RespConnection(socket)
    if (password !== undefined) await connection.call('AUTH', user, password)
    return connection
  }

  /** The address of this side, as the server shows it. */
  get localAddress(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`
  }

  /** Sends a command. An error that the server answers with is thrown. */
  call(...args: readonly (string | number)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(closed())
      this.#waiting.push({ resolve, reject })
      this.#socket.write(encode(args))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Gives up after everything has been sent, whatever is still unanswered. */
  end(): void {
    this.#socket.destroySoon()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #receive(bytes: Buffer): void {
    for (const reply of this.#parser.feed(bytes)) {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.onMessage(reply)
      else if (reply instanceof RespError) waiting.reject(reply)
      else waiting.resolve(reply)
    }
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
  }
}

/** Opens a connection for one command. */
export async function callOnce(
  address: Address,
  args: readonly (string | number)[],
): Promise<Reply> {
  using connection = await RespConnection.open(address)
  return await connection.call(...args)
}

function encode(args: readonly (string | number)[]): string {
  const texts = args.map(arg => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`)
  return `*${args.length}\r\n${texts.join('')}`
}

function closed(): Error {
  return new Error('The connection is closed')
}
