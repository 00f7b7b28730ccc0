import { setTimeout as wait } from 'node:timers/promises'
import type { Manager } from 'gsession'
import { expect } from 'vitest'
import { type KindName, openManager } from '../fixtures/redis-lab.ts'
import { begin } from '../helpers/core-sessions.ts'
import { Stopwatch } from '../helpers/stopwatch.ts'
import { watch } from '../helpers/watched.ts'
import type { Connected } from './clients.ts'
import { type RedisServer, until } from './servers/index.ts'

/** In which what must not happen would have happened. */
export const A_WHILE = 300
/** Well below the time after which all sessions are looked at anyway. */
const SOON = 15_000
let opened = 0

/** Who hears of the ends of sessions under a prefix. */
export async function listeners(at: RedisServer, prefix: string): Promise<number> {
  const reply = await at.call('PUBSUB', 'NUMSUB', `gsession:ended:${prefix}`)
  return Array.isArray(reply) ? Number(reply[1]) : 0
}

/** Two nodes that share sessions, once the first one listens. */
export interface Pair {
  readonly here: Manager
  readonly there: Manager
  readonly prefix: string
}

export function openPair(
  kind: KindName,
  { client }: Connected,
  options = {},
): Pair & AsyncDisposable {
  const prefix = `watch${opened++}:`
  const open = (): Manager => openManager(kind, { client, close: () => {} }, prefix, options)
  const [here, there] = [open(), open()]
  return {
    here,
    there,
    prefix,
    async [Symbol.asyncDispose]() {
      await here.close()
      await there.close()
    },
  }
}

/** What holds with every kind of client. */
export async function watchesTellAtOnce(
  kind: KindName,
  connected: Connected,
  listening: (prefix: string) => Promise<boolean>,
): Promise<void> {
  await using pair = openPair(kind, connected)
  const { here, there, prefix } = pair
  const [removed, moved, kept] = [
    watch(here, await begin(there, { a: 1 })),
    watch(here, await begin(there, { a: 1 })),
    watch(here, await begin(there, { a: 1 })),
  ]
  await until('it listens', () => listening(prefix))
  using stopwatch = new Stopwatch()
  await there.new(kept.id).update('a', () => 2)
  await there.new(kept.id).regenerateId({ keepOld: true })
  await there.new(removed.id).removeAll()
  await there.new(moved.id).regenerateId()
  await Promise.all([removed.ended(), moved.ended()])
  expect(stopwatch.time).toBeLessThan(SOON)
  await wait(A_WHILE)
  expect([removed.count, moved.count, kept.count]).toEqual([1, 1, 0])
  kept.stop()
  await until('it has hung up', async () => !(await listening(prefix)))
}
