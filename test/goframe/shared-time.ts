import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { goframe, Manager, type SessionData, StorageFile } from 'gsession'
import { onTestFinished } from 'vitest'
import { withoutClose } from '../../src/testing/storage-views.ts'
import type { Connected } from '../redis/clients.ts'
import type { RedisServer } from '../redis/servers/index.ts'
import { type BothSides, openBoth, type Shared } from './both-sides.ts'
import type { GoDriver } from './go-driver.ts'

type Data = Readonly<Record<string, unknown>>

/** Sessions of both sides, and when they end: their last millisecond. */
export class SharedTime {
  /** Writes what slides at once, or nearly so. */
  readonly manager: Manager
  readonly #both: BothSides
  readonly #go: GoDriver
  readonly #server: RedisServer

  private constructor(both: BothSides, go: GoDriver, server: RedisServer) {
    const storage = withoutClose(both.manager.storage)
    const { ttl } = both.place
    this.manager = new Manager({ ...goframe({ ttl }).manager, storage, refreshInterval: 20 })
    onTestFinished(() => this.manager.close())
    this.#both = both
    this.#go = go
    this.#server = server
  }

  static async open(
    go: GoDriver,
    kind: Shared,
    server: RedisServer,
    connected: Connected,
    ttl: number,
  ): Promise<SharedTime> {
    return new SharedTime(await openBoth(go, kind, server, connected, ttl), go, server)
  }

  /** The end that the storage has recorded: a file tells when the session was last used. */
  async endOf(id: string): Promise<number> {
    const { place, where } = this.#both
    if (place.kind !== 'file') return Number(await this.#server.call('PEXPIRETIME', where + id))
    return Number(readFileSync(this.#pathOf(id)).readBigInt64LE(0)) + place.ttl
  }

  /** Lets a session end at another time than its ttl says. */
  async letEnd(id: string, time: number): Promise<void> {
    const { place, where } = this.#both
    if (place.kind === 'file') writeHeader(this.#pathOf(id), time - place.ttl)
    else await this.#server.call('PEXPIREAT', where + id, time)
  }

  beginInGo(data: Data): Promise<string> {
    return this.#go.request(this.#both.name, '', async session => {
      await session.order('setMap', { value: data })
      return session.id()
    })
  }

  async setInGo(id: string, key: string, value: unknown): Promise<void> {
    await this.#go.request(this.#both.name, id, session => session.set(key, value))
  }

  /** A whole request, whose end lets the ttl slide as far as Go does that. */
  readInGo(id: string): Promise<Data> {
    return this.#go.request(this.#both.name, id, session => session.data())
  }

  async setInNode(id: string, key: string, value: unknown): Promise<void> {
    const session = this.manager.new(id)
    await session.set(key, value)
    await session.close()
  }

  /** Without a use of the session. */
  async isSeenByGo(id: string): Promise<boolean> {
    const data = await this.#go.call({ do: 'view', storage: this.#both.name, id })
    return Object.keys(Object(data)).length > 0
  }

  /** Without a use of the session. */
  async isSeenByNode(id: string): Promise<boolean> {
    const { manager, place } = this.#both
    return (await manager.storage.getSession(id, place.ttl)) !== undefined
  }

  /** What a file says to a program whose clock shows this time. */
  async readAt(id: string, now: number): Promise<SessionData | undefined> {
    const { place, where } = this.#both
    const { file } = goframe({ path: where, crypto: place.crypto ?? false })
    const storage = new StorageFile({ ...file, clock: () => now })
    const data = await storage.getSession(id, place.ttl)
    await storage.close()
    return data ?? undefined
  }

  #pathOf(id: string): string {
    return join(this.#both.where, `${id}.session`)
  }
}

function writeHeader(path: string, usedAt: number): void {
  const header = Buffer.alloc(8)
  header.writeBigInt64LE(BigInt(usedAt))
  const file = openSync(path, 'r+')
  try {
    writeSync(file, header, 0, header.length, 0)
  } finally {
    closeSync(file)
  }
}
