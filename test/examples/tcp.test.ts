import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { newSessionId } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { certificate } from '../helpers/http-servers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { Program } from './programs.ts'

const SERVER = 'examples/tcp/server.mjs'
const CLIENT = 'examples/tcp/client.mjs'
const SESSION = /^SESSION [\w-]{43}$/

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/localhost.${name}.pem`, import.meta.url))

function startServer(environment: Readonly<Record<string, string>> = {}): Program {
  return new Program(SERVER, { PORT: '0', SESSION_PATH: tempFolder(), ...environment })
}

/** A connection that a test writes lines to. */
class Line {
  readonly #socket: Socket
  readonly #received: string[] = []
  isClosed = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    createInterface(socket)
      .on('line', line => this.#received.push(line))
      .on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
    })
    onTestFinished(() => void socket.destroy())
  }

  static async to(server: Program): Promise<Line> {
    return new Line(connect(Number(await server.port()), '127.0.0.1'))
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  /** Sends one line, and answers as many as come back. */
  async ask(command: string, answers = 1): Promise<string[]> {
    this.write(`${command}\n`)
    return this.next(answers)
  }

  async next(count: number): Promise<string[]> {
    await eventually(() => expect(this.#received.length).toBeGreaterThanOrEqual(count))
    return this.#received.splice(0, count)
  }
}

const idIn = (answers: readonly string[]): string => answers[0]?.split(' ')[1] ?? ''

describe('examples/tcp/server.mjs', () => {
  it('begins a session with the first thing that is set, and finds it on a new connection', async () => {
    const server = startServer()
    const first = await Line.to(server)
    expect(await first.ask('HELLO')).toEqual(['OK'])
    expect(await first.ask('GET colour')).toEqual(['NONE'])
    const told = await first.ask('SET colour dark blue', 2)
    expect(told).toEqual([expect.stringMatching(SESSION), 'OK'])
    expect(await first.ask('SET size 7')).toEqual(['OK'])
    expect(await first.ask('QUIT')).toEqual(['BYE'])
    await eventually(() => expect(first.isClosed).toBe(true))

    const second = await Line.to(server)
    const id = idIn(told)
    expect(await second.ask(`HELLO ${id}`, 2)).toEqual([`SESSION ${id}`, 'OK'])
    expect(await second.ask('GET colour')).toEqual(['VALUE dark blue'])
    expect(await second.ask('GET size')).toEqual(['VALUE 7'])
  })

  it.each([
    ['unknown', newSessionId()],
    ['malformed', '../../etc/passwd'],
  ])('takes an id that is %s for none', async (_, id) => {
    const line = await Line.to(startServer())
    expect(await line.ask(`HELLO ${id}`)).toEqual(['OK'])
    const [told] = await line.ask('SET a b', 2)
    expect(told).toMatch(SESSION)
    expect(told).not.toContain(id)
  })

  it('answers many commands that come at once in their order, and in one session', async () => {
    const line = await Line.to(startServer())
    const commands = ['SET a 1', 'SET b 2', 'GET a', 'GET b', 'NO such', '', 'WHO']
    const answers = await line.ask(commands.join('\n'), 8)
    const unknown = 'ERROR unknown command'
    const rest = ['OK', 'OK', 'VALUE 1', 'VALUE 2', unknown, unknown, 'NONE']
    expect(answers).toEqual([expect.stringMatching(SESSION), ...rest])
  })

  it('moves to a new id at login, and forgets it at logout', async () => {
    const server = startServer()
    const line = await Line.to(server)
    const before = idIn(await line.ask('SET colour blue', 2))
    const after = idIn(await line.ask('LOGIN Ada', 2))
    expect(after).not.toBe(before)
    expect(await line.ask('WHO')).toEqual(['USER Ada'])
    expect(await line.ask('GET colour')).toEqual(['VALUE blue'])
    const other = await Line.to(server)
    expect(await other.ask(`HELLO ${before}`)).toEqual(['OK'])
    expect(await line.ask('LOGOUT', 2)).toEqual(['SESSION', 'OK'])
    expect(await line.ask('WHO')).toEqual(['NONE'])
    expect(await other.ask(`HELLO ${after}`)).toEqual(['OK'])
  })

  it('closes the other connections of a session that logs out', async () => {
    const server = startServer()
    const [one, two] = [await Line.to(server), await Line.to(server)]
    const id = idIn(await one.ask('LOGIN Ada', 2))
    await two.ask(`HELLO ${id}`, 2)
    expect(await two.ask('WHO')).toEqual(['USER Ada'])
    await one.ask('LOGOUT', 2)
    expect(await two.next(1)).toEqual(['ENDED'])
    await eventually(() => expect(two.isClosed).toBe(true))
    expect(one.isClosed).toBe(false)
    expect(await one.ask('WHO')).toEqual(['NONE'])
  })

  it('closes a connection whose session expires', async () => {
    const line = await Line.to(startServer({ SESSION_TTL: '1s' }))
    await line.ask('LOGIN Ada', 2)
    expect(await line.next(1)).toEqual(['ENDED'])
    await eventually(() => expect(line.isClosed).toBe(true))
  })

  it('cuts off a line without an end', async () => {
    const line = await Line.to(startServer())
    await line.ask('HELLO')
    line.write('x'.repeat(10_000))
    await eventually(() => expect(line.isClosed).toBe(true))
  })

  it('speaks TLS', async () => {
    const server = startServer({ TLS_KEY: fixture('key'), TLS_CERT: fixture('cert') })
    const port = Number(await server.port())
    const options = { port, host: '127.0.0.1', servername: 'localhost', ca: certificate }
    const line = new Line(connectTls(options))
    expect(await line.ask('LOGIN Ada', 2)).toEqual([expect.stringMatching(SESSION), 'OK'])
    expect(await line.ask('WHO')).toEqual(['USER Ada'])
  })
})

describe('examples/tcp/client.mjs', () => {
  it.each([
    ['TCP', {}, {}],
    ['TLS', { TLS_KEY: fixture('key'), TLS_CERT: fixture('cert') }, { TLS_CA: fixture('cert') }],
  ])('keeps its session when the server is stopped and started again, over %s', async (...row) => {
    const [, secureServer, secureClient] = row
    const environment = { SESSION_PATH: tempFolder(), ...secureServer }
    const first = startServer(environment)
    const PORT = await first.port()
    const client = new Program(CLIENT, { PORT, ...secureClient })
    const ask = async (command: string): Promise<string | undefined> => {
      const count = client.lines.length
      client.type(command)
      await eventually(() => expect(client.lines.length).toBeGreaterThan(count))
      return client.lines.at(-1)
    }
    expect(await ask('LOGIN Ada')).toBe('OK')
    expect(await ask('SET colour blue')).toBe('OK')
    await first.kill()

    client.type('WHO')
    const second = startServer({ ...environment, PORT })
    expect(await second.port()).toBe(PORT)
    await eventually(() => expect(client.lines).toEqual(['OK', 'OK', 'USER Ada']))
    expect(await ask('GET colour')).toBe('VALUE blue')
    expect(await ask('LOGOUT')).toBe('OK')
    expect(await ask('WHO')).toBe('NONE')
    expect(await ask('QUIT')).toBe('BYE')
    expect(await client.end(), client.errors).toBe(0)
  })
})
