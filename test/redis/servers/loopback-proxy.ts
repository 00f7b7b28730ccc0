import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { BUS_OFFSET, freePort } from './free-port.ts'
import { type Reply, RespParser } from './resp-parser.ts'

/** What the proxy does to the bytes of one direction. */
interface Direction {
  delay: number
  isSwallowed: boolean
  bytes: number
}

const direction = (): Direction => ({ delay: 0, isSwallowed: false, bytes: 0 })

/** Stands between a client and a server, and does what networks do. */
export class LoopbackProxy implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  readonly #toServer = direction()
  readonly #toClient = direction()
  /** Keeps others who look for a port from this one while it refuses connections. */
  readonly #claim = createServer()
  #listener: Server | undefined
  #cutIn: number | undefined
  #connections = 0
  /** The commands that passed on their way to the server, without TLS. */
  readonly commands: string[][] = []

  private constructor(port: number, target: number) {
    this.port = port
    this.#target = target
  }

  static async start(target: { readonly port: number }): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(await freePort(), target.port)
    await listen(proxy.#claim, proxy.port + BUS_OFFSET)
    await proxy.resume()
    return proxy
  }

  /** How many connections clients have opened so far, and what went through them. */
  get counts(): { connections: number; bytesToServer: number; bytesToClient: number } {
    return {
      connections: this.#connections,
      bytesToServer: this.#toServer.bytes,
      bytesToClient: this.#toClient.bytes,
    }
  }

  /** Holds back what is sent from now on, by milliseconds for each direction. */
  delay({ toServer = 0, toClient = 0 }: { toServer?: number; toClient?: number }): void {
    this.#toServer.delay = toServer
    this.#toClient.delay = toClient
  }

  /** From now on commands are carried out and nobody hears of it. */
  swallowReplies(): void {
    this.#toClient.isSwallowed = true
  }

  /** From now on commands do not even arrive. */
  swallowCommands(): void {
    this.#toServer.isSwallowed = true
  }

  /** Cuts the connection that answers next, after so many bytes of its answer. */
  cutNextReply(after = 0): void {
    this.#cutIn = after
  }

  /** Cuts all connections; new ones are welcome. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Cuts all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    const closed = new Promise(resolve => {
      if (listener === undefined) resolve(undefined)
      else listener.close(resolve)
    })
    this.cut()
    await closed
  }

  /** Does nothing to what is sent from now on, and accepts connections again. */
  async resume(): Promise<void> {
    this.delay({})
    this.#toServer.isSwallowed = false
    this.#toClient.isSwallowed = false
    this.#cutIn = undefined
    if (this.#listener !== undefined) return
    const listener = createServer(client => this.#join(client))
    this.#listener = listener
    await listen(listener, this.port)
  }

  async close(): Promise<void> {
    this.#claim.close()
    await this.refuse()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #join(client: Socket): void {
    this.#connections++
    const server = connect(this.#target, this.host)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    const log = new CommandLog(this.commands)
    this.#carry(client, server, this.#toServer, bytes => {
      log.add(bytes)
      this.#toServer.bytes += bytes.length
      server.write(bytes)
    })
    this.#carry(server, client, this.#toClient, bytes => this.#answer(client, bytes))
  }

  /** Each direction of a connection is a queue: a delay must not change the order. */
  #carry(from: Socket, to: Socket, way: Direction, send: (bytes: Buffer) => void): void {
    let before: Promise<void> = Promise.resolve()
    let waiting = 0
    const pass = (bytes: Buffer): void => {
      if (!way.isSwallowed && !to.destroyed) send(bytes)
    }
    from.on('data', data => {
      const bytes = Buffer.from(data)
      if (way.delay === 0 && waiting === 0) return pass(bytes)
      waiting++
      const due = wait(way.delay)
      before = before.then(async () => {
        await due
        waiting--
        pass(bytes)
      })
    })
    // What was sent before still arrives, late as it is: so does what a client gave up waiting for.
    from.once('close', () => void before.then(() => to.destroySoon()))
  }

  #answer(client: Socket, bytes: Buffer): void {
    const cutIn = this.#cutIn ?? Number.POSITIVE_INFINITY
    const passed = bytes.subarray(0, cutIn)
    this.#toClient.bytes += passed.length
    client.write(passed)
    if (this.#cutIn === undefined) return
    const isCut = passed.length < bytes.length
    this.#cutIn = isCut ? undefined : this.#cutIn - bytes.length
    if (isCut) client.destroySoon()
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** Reads commands along; TLS is not to be read. */
class CommandLog {
  readonly #commands: string[][]
  readonly #parser = new RespParser()
  #isReadable = true

  constructor(commands: string[][]) {
    this.#commands = commands
  }

  add(bytes: Buffer): void {
    if (!this.#isReadable) return
    try {
      this.#commands.push(...this.#parser.feed(bytes).map(asCommand))
    } catch {
      this.#isReadable = false
    }
  }
}

function asCommand(command: Reply): string[] {
  return Array.isArray(command) ? command.map(String) : [String(command)]
}
