import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { failureOf, Line, PAIRS, requestsOn } from './line.ts'
import { startServer } from './servers/index.ts'

const timers = (): number =>
  process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length

it('a call that waits for Redis does not keep the process alive by a timer', async () => {
  await using server = await startServer()
  for (const [storage, client] of PAIRS) {
    await using line = await Line.open(server, storage, client, { timeout: 100 })
    const id = await line.beginElsewhere()
    line.proxy.swallowCommands()
    const before = timers()
    const failures = Object.values(requestsOn(line, id)).map(request => failureOf(request()))
    await turn()
    expect(timers(), `${storage}, ${client}`).toBeLessThanOrEqual(before)
    await Promise.all(failures)
  }
})
