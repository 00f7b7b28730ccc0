import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Storage } from 'gsession'
import type { NodeSessionOptions } from 'gsession/http'
import { afterAll, beforeAll, describe } from 'vitest'
import { connect } from '../../fixtures/redis-lab.ts'
import type { TestServer } from '../../helpers/http-servers.ts'
import type { Connected } from '../../redis/clients.ts'
import { type RedisServer, startServer } from '../../redis/servers/index.ts'
import { GoDriver, type GoVersion, whyNoGo } from '../go-driver.ts'
import { type GoSiteOptions, serveGo } from './go-site.ts'
import { serveNode } from './node-site.ts'
import { type Kind, Place, type PlaceOptions } from './place.ts'
import { GoProgram, NodeProgram, type Program } from './program.ts'

/** Whose behaviour is looked at. */
export const SUBJECTS = ['GoFrame newest', 'GoFrame 2.6.4', 'here'] as const
export type Subject = (typeof SUBJECTS)[number]
export const GO_SUBJECTS = ['GoFrame newest', 'GoFrame 2.6.4'] as const

/** Options of a server that both sides have. Node's are those of `goframe()` but for `node`. */
export interface SiteOptions {
  readonly go?: GoSiteOptions
  readonly node?: NodeSessionOptions
  /** Stands before the place's own on the Node side. */
  readonly storage?: Storage
}

/** What the tests of one file share: a Redis, GoFrame's programs, and what ends with them. */
export class Stage {
  readonly #closers: (() => unknown)[] = []
  readonly #drivers = new Map<GoVersion, GoDriver>()
  #server: RedisServer | undefined
  #connected: Connected | undefined
  #opened = 0

  async open(): Promise<void> {
    const server = await startServer()
    this.#server = server
    this.#closers.push(() => server.close())
    const connected = await connect(server)
    this.#connected = connected
    this.#closers.push(() => connected.close())
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }

  get redis(): RedisServer {
    if (this.#server === undefined) throw new Error('The stage is not open')
    return this.#server
  }

  /** A place that nobody else uses. */
  place(kind: Kind, options: Partial<PlaceOptions> = {}): Place {
    const where = kind === 'file' ? this.folder() : `rows:${++this.#opened}:`
    return new Place(kind, { ttl: 60_000, crypto: false, where, ...options }, this.redis)
  }

  /** A program that has opened the place. */
  async program(subject: Subject, place: Place): Promise<Program> {
    if (subject === 'here') return new NodeProgram(this.manager(place))
    const driver = this.driver(subject)
    const name = String(++this.#opened)
    await driver.open(name, place.go)
    return new GoProgram(driver, name)
  }

  /** A server in front of the place. */
  async site(subject: Subject, place: Place, options: SiteOptions = {}): Promise<TestServer> {
    if (subject !== 'here') {
      const { port, process } = await serveGo(versionOf(subject), { ...place.go, ...options.go })
      this.#closers.push(() => process.kill('SIGKILL'))
      return { kind: 'http', port }
    }
    const manager = this.manager(place, options.storage)
    const server = await serveNode(manager, { ...(options.node ?? place.preset.http) })
    this.#closers.push(() => {
      server.close()
      server.closeAllConnections()
    })
    return { kind: 'http', port: (server.address() as AddressInfo).port }
  }

  manager(place: Place, storage?: Storage): ReturnType<Place['openManager']> {
    if (this.#connected === undefined) throw new Error('The stage is not open')
    const manager = place.openManager(this.#connected, storage)
    this.#closers.push(() => manager.close())
    return manager
  }

  driver(subject: Exclude<Subject, 'here'>): GoDriver {
    const version = versionOf(subject)
    const driver = this.#drivers.get(version) ?? new GoDriver(version)
    if (!this.#drivers.has(version)) this.#closers.push(() => driver.close())
    this.#drivers.set(version, driver)
    return driver
  }

  /** A new folder, there until the tests of the file are done. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'gsession-rows-'))
    this.#closers.push(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }
}

function versionOf(subject: Exclude<Subject, 'here'>): GoVersion {
  return subject === 'GoFrame newest' ? 'newest' : '2.6.4'
}

/** Behaviours of GoFrame, numbered as in test/http/goframe-rows.test.ts, with a stage that all of them share. */
export function describeRows(title: string, rows: (stage: Stage) => void): void {
  describe.skipIf(whyNoGo)(`${title} (${whyNoGo ?? 'GoFrame is alive'})`, () => {
    const stage = new Stage()
    beforeAll(() => stage.open())
    afterAll(() => stage.close())
    rows(stage)
  })
}
