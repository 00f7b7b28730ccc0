import fc from 'fast-check'
import { goframe, Manager } from 'gsession'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { openBoth, SHARED } from './both-sides.ts'
import { GO_VERSIONS, GoDriver, whyNoGo } from './go-driver.ts'
import { programs } from './shared-actions.ts'
import { SharedRun } from './shared-program.ts'

/** Of each version and kind of storage: 1,000 of each kind, and 4,000 in all. */
const PROGRAMS = 500
const DAY = 86_400_000

describe.skipIf(whyNoGo).each(GO_VERSIONS)(
  `a program of requests here and in GoFrame %s (${whyNoGo ?? 'alive'})`,
  version => {
    let server: RedisServer
    let connected: Connected
    let go: GoDriver
    beforeAll(async () => {
      server = await startServer()
      connected = await connect(server)
      go = new GoDriver(version)
    })
    afterAll(async () => {
      go.close()
      connected.close()
      await server.close()
    })

    it.each(SHARED)(
      'shows both what plain maps show: %s',
      async kind => {
        const { manager, name } = await openBoth(go, kind, server, connected, DAY)
        const { storage } = manager
        // Reads of this side write nothing while a program runs, which Go's writes could fall into.
        const quiet = new Manager({ ...goframe().manager, storage, refreshInterval: DAY })
        const place = { kind, manager: quiet, go, name }
        await fc.assert(
          fc.asyncProperty(programs(version), program => new SharedRun(place).play(program)),
          { numRuns: PROGRAMS },
        )
      },
      120_000,
    )
  },
)
