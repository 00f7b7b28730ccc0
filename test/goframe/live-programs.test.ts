import fc from 'fast-check'
import { goframe, Manager } from 'gsession'
import { describe, it } from 'vitest'
import { SHARED } from './both-sides.ts'
import { GO_VERSIONS, whyNoGo } from './go-driver.ts'
import { LiveSite } from './live-site.ts'
import { programs } from './shared-actions.ts'
import { SharedRun } from './shared-program.ts'

/** Of each version and kind of storage: 1,000 of each kind, and 4,000 in all. */
const PROGRAMS = 500
const DAY = 86_400_000

describe.skipIf(whyNoGo).each(GO_VERSIONS)(
  `a program of requests here and in GoFrame %s (${whyNoGo ?? 'alive'})`,
  version => {
    const site = new LiveSite(version)

    it.each(SHARED)(
      'shows both what plain maps show: %s',
      async kind => {
        const { manager, name } = await site.open(kind, DAY)
        const { storage } = manager
        // Reads of this side write nothing while a program runs, which Go's writes could fall into.
        const quiet = new Manager({ ...goframe().manager, storage, refreshInterval: DAY })
        const place = { kind, manager: quiet, go: site.go, name }
        await fc.assert(
          fc.asyncProperty(programs(version), program => new SharedRun(place).play(program)),
          { numRuns: PROGRAMS },
        )
      },
      120_000,
    )
  },
)
