import { afterAll, beforeAll } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { type BothSides, openBoth, type Shared } from './both-sides.ts'
import { GoDriver, type GoVersion } from './go-driver.ts'

/** A Redis and a Go program for the tests of a `describe`, there from its first to its last test. */
export class LiveSite {
  readonly #version: GoVersion
  #server: RedisServer | undefined
  #connected: Connected | undefined
  #go: GoDriver | undefined

  constructor(version: GoVersion) {
    this.#version = version
    beforeAll(async () => {
      this.#server = await startServer()
      this.#connected = await connect(this.#server)
      this.#go = new GoDriver(this.#version)
    })
    afterAll(async () => {
      this.#go?.close()
      this.#connected?.close()
      await this.#server?.close()
    })
  }

  get go(): GoDriver {
    return opened(this.#go)
  }

  get server(): RedisServer {
    return opened(this.#server)
  }

  /** A place for sessions, opened on both sides until the test is done. */
  open(kind: Shared, ttl?: number): Promise<BothSides> {
    return openBoth(this.go, kind, this.server, opened(this.#connected), ttl)
  }
}

function opened<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('The site is there while tests run')
  return part
}
