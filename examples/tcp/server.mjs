// A TCP server with sessions: node examples/tcp/server.mjs
// The protocol is in docs/adapters/tcp.md.
import { readFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Manager, SessionError, StorageFile } from 'gsession'

const { PORT = '8201', TLS_KEY, TLS_CERT, SESSION_TTL = '24h', SESSION_PATH } = process.env
const LONGEST_LINE = 4096

const storage = new StorageFile(SESSION_PATH === undefined ? {} : { path: SESSION_PATH })
const manager = new Manager({ ttl: SESSION_TTL, storage })

/** One connection. It carries an id, and opens the session anew for each command. */
class Connection {
  #socket
  #id
  #stopWatching = () => {}
  #turn = Promise.resolve()

  constructor(socket) {
    this.#socket = socket
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#carry(undefined))
  }

  async serve() {
    try {
      for await (const line of linesOf(this.#socket)) await this.#inTurn(() => this.#answer(line))
    } catch {
      // The client has gone.
    }
    this.#socket.destroySoon()
  }

  async #answer(line) {
    const [command = '', ...words] = line.trimEnd().split(' ')
    try {
      await this.#run(command.toUpperCase(), words)
    } catch (error) {
      // No id is ever in the code of an error.
      this.#say(`ERROR ${error instanceof SessionError ? error.code : 'ERR_INTERNAL'}`)
      if (!(error instanceof SessionError)) console.error(error)
    }
  }

  async #run(command, words) {
    const session = manager.new(this.#id)
    const [word = ''] = words
    if (command === 'HELLO') {
      const known = manager.new(word)
      // The id of a session that is not there is never taken.
      if (word !== '' && (await known.id()) === word) this.#tell(word)
      else this.#carry(undefined)
      this.#say('OK')
    } else if (command === 'SET') {
      await session.set(`own ${word}`, words.slice(1).join(' '))
      await session.close()
      this.#tell(await session.id())
      this.#say('OK')
    } else if (command === 'GET') {
      const value = await session.get(`own ${word}`)
      this.#say(value === undefined ? 'NONE' : `VALUE ${value}`)
    } else if (command === 'LOGIN') {
      await session.set('user', words.join(' '))
      this.#tell(await session.regenerateId())
      this.#say('OK')
    } else if (command === 'WHO') {
      const user = await session.get('user')
      this.#say(user === undefined ? 'NONE' : `USER ${user}`)
    } else if (command === 'LOGOUT') {
      await session.removeAll()
      this.#tell(undefined)
      this.#say('OK')
    } else if (command === 'QUIT') {
      this.#say('BYE')
      this.#socket.destroySoon()
    } else this.#say('ERROR unknown command')
  }

  /** Tells the client its id if it is another than before. What is stored under it is stored. */
  #tell(id) {
    if (id === this.#id) return
    this.#carry(id)
    this.#say(id === undefined ? 'SESSION' : `SESSION ${id}`)
  }

  #carry(id) {
    this.#stopWatching()
    this.#id = id
    this.#stopWatching =
      id === undefined || this.#socket.destroyed
        ? () => {}
        : manager.watch(id, () => this.#inTurn(() => this.#sessionEnded(id)))
  }

  /** A command of this connection may have ended it: then the connection carries another id by now. */
  #sessionEnded(id) {
    if (id !== this.#id) return
    this.#carry(undefined)
    this.#say('ENDED')
    this.#socket.destroySoon()
  }

  /** One after another: a command knows the id that the one before it made. */
  #inTurn(work) {
    this.#turn = this.#turn.then(work)
    return this.#turn
  }

  #say(line) {
    if (this.#socket.writable) this.#socket.write(`${line}\n`)
  }
}

async function* linesOf(socket) {
  let rest = ''
  for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > LONGEST_LINE) return
  }
}

const serve = socket => void new Connection(socket).serve()
const isSecure = TLS_KEY !== undefined && TLS_CERT !== undefined
const server = isSecure
  ? createTlsServer({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) }, serve)
  : createTcpServer(serve)
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`Listening on 127.0.0.1:${server.address().port}`)
})
