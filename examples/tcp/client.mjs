// A TCP client with a session: node examples/tcp/client.mjs, while the server runs
// It sends the lines that it reads, and prints what is answered. It survives lost connections.
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'

const { PORT = '8201', TLS_CA } = process.env
const RETRY_AFTER = 200

class SessionClient {
  /** What the server told last: '' is no session. */
  #id = ''
  /** The connection that is there, or on its way. */
  #connection

  /** Sends a command until it is answered: all commands of this protocol may come twice. */
  async ask(command) {
    for (;;) {
      try {
        this.#connection ??= this.#connect()
        return await (await this.#connection).ask(command)
      } catch {
        this.#connection = undefined
        await wait(RETRY_AFTER)
      }
    }
  }

  async #connect() {
    const connection = new Connection(line => this.#told(line))
    const id = this.#id
    // A session that the server does not know any more is not told again.
    this.#id = ''
    try {
      await connection.ask(id === '' ? 'HELLO' : `HELLO ${id}`)
    } catch (error) {
      this.#id = id
      throw error
    }
    return connection
  }

  #told(line) {
    const [word, id = ''] = line.split(' ')
    if (word === 'SESSION') this.#id = id
    if (word !== 'ENDED') return
    this.#id = ''
    console.log(line)
  }
}

class Connection {
  #socket
  #asked

  /** @param told - given each line that is not the answer to a command */
  constructor(told) {
    const place = { port: Number(PORT), host: '127.0.0.1' }
    this.#socket =
      TLS_CA === undefined
        ? connectTcp(place)
        : connectTls({ ...place, servername: 'localhost', ca: readFileSync(TLS_CA) })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#asked?.reject(new Error('The connection is lost')))
    const lines = createInterface(this.#socket)
    lines.on('line', line => {
      if (/^(?:SESSION|ENDED)\b/.test(line)) told(line)
      else this.#asked?.resolve(line)
    })
    // What breaks the connection is told to both.
    lines.on('error', () => {})
  }

  ask(command) {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error('The connection is lost'))
      this.#asked = { resolve, reject }
      this.#socket.write(`${command}\n`)
    })
  }
}

const client = new SessionClient()
for await (const line of createInterface(process.stdin)) {
  console.log(await client.ask(line))
  if (/^quit$/i.test(line)) break
}
process.exit()
