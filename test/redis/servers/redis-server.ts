import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NotHere } from '../../helpers/not-here.ts'
import { freePort } from './free-port.ts'
import { GuardedProcess } from './guarded-process.ts'
import {
  configText,
  FIXTURE_USER,
  placeOf,
  type ServerOptions,
  type Settings,
  serverCertificate,
  settingsOf,
} from './redis-config.ts'
import { type Address, callOnce } from './resp-connection.ts'
import type { Reply } from './resp-parser.ts'
import { programOf, SERVER_KINDS, type ServerKind } from './server-kinds.ts'
import { until } from './until.ts'

const OWN_FILES = new Set(['server.conf', 'server.log'])
const TRIES = 10

/** How a server is started, beside its settings. */
interface Recipe {
  readonly kind: ServerKind
  readonly settings: Settings
  readonly isTls: boolean
  readonly flags: readonly string[]
  readonly password: string | undefined
}

/** A real server on a port of 127.0.0.1, with a folder of its own. */
export class RedisServer implements AsyncDisposable {
  readonly kind: ServerKind
  readonly host = '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly password: string | undefined
  readonly #recipe: Recipe
  #process: GuardedProcess | undefined

  private constructor(recipe: Recipe, port: number) {
    this.kind = recipe.kind
    this.password = recipe.password
    this.port = port
    this.folder = mkdtempSync(join(tmpdir(), `gsession-${recipe.kind}-`))
    this.#recipe = recipe
  }

  /** Starts one on a free port; another test file may have taken the port meanwhile. */
  static async launch(recipe: Recipe): Promise<RedisServer> {
    for (let tries = 1; ; tries++) {
      const server = new RedisServer(recipe, await freePort())
      try {
        await server.start()
        return server
      } catch (error) {
        const isTaken = server.log().includes('Address already in use')
        await server.close()
        if (!isTaken || tries === TRIES) throw error
      }
    }
  }

  /** As clients want it, without the password. */
  get url(): string {
    return `${this.#recipe.isTls ? 'rediss' : 'redis'}://${this.host}:${this.port}`
  }

  /** How the fixtures reach it: as a user who may do everything. */
  get address(): Address {
    return {
      port: this.port,
      ...FIXTURE_USER,
      ...(this.#recipe.isTls ? { ca: serverCertificate } : {}),
    }
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error('The server is not running')
    return this.#process.pid
  }

  /** Sends a command over a connection of its own. */
  call(...args: readonly (string | number)[]): Promise<Reply> {
    return callOnce(this.address, args)
  }

  /** What INFO says, by name. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const lines = String(await this.call('INFO', section)).split('\r\n')
    const fields = lines.filter(line => line.includes(':'))
    return new Map(
      fields.map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    )
  }

  /** What it printed in all its runs. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8')
  }

  /** Starts it, again if need be, on the port and with the files that it has, and waits until it answers. */
  async start(): Promise<void> {
    if (this.isRunning) return
    const { kind, flags, settings, isTls } = this.#recipe
    const config = join(this.folder, 'server.conf')
    if (this.#process === undefined) {
      const place = placeOf(this.port, this.folder, isTls)
      writeFileSync(config, configText({ ...place, ...settings }))
    }
    this.#process = new GuardedProcess(this.folder, this.#logFile, [
      programOf(kind),
      config,
      ...flags,
    ])
    await until(`${kind} answers on port ${this.port}`, () => this.#isReady())
  }

  /** Ends it in good order. Its folder stays, and it can be started again. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM')
  }

  /** Ends it at once, as a power cut does to a process. It can be started again. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** Lets it hang: the system still accepts connections for it, and nothing answers. */
  freeze(): void {
    this.#process?.signal('SIGSTOP')
  }

  thaw(): void {
    this.#process?.signal('SIGCONT')
  }

  /** Kills it and starts it on the same port, with what it had on the disk or without. */
  async restart({ keepsData }: { keepsData: boolean }): Promise<void> {
    await this.kill()
    if (!keepsData) this.#removeData()
    await this.start()
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #logFile(): string {
    return join(this.folder, 'server.log')
  }

  #removeData(): void {
    for (const name of readdirSync(this.folder)) {
      if (!OWN_FILES.has(name)) rmSync(join(this.folder, name), { recursive: true })
    }
  }

  /** Whether the server that answers is this one, and not one of another test on the same port. */
  async #isReady(): Promise<boolean> {
    if (!this.isRunning) throw new Error(`The server ended: ${this.log().slice(-2000)}`)
    try {
      return (await this.call('PING')) === 'PONG' && (await this.#answersItself())
    } catch {
      return false
    }
  }

  async #answersItself(): Promise<boolean> {
    return (await this.info('server')).get('process_id') === String(this.pid)
  }
}

/** Starts a server and waits until it answers. */
export function startServer(options: ServerOptions = {}): Promise<RedisServer> {
  return RedisServer.launch({
    kind: options.kind ?? firstKind(),
    settings: settingsOf(options),
    isTls: options.tls === true,
    flags: [],
    password: options.password,
  })
}

export function firstKind(): ServerKind {
  const [kind] = SERVER_KINDS
  if (kind === undefined) throw new NotHere('This machine has no redis-server and no valkey-server')
  return kind
}
