import { Manager } from 'gsession'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SENTINEL_CLIENTS } from './clients.ts'
import { type Data, STORAGE_NAMES, STORAGES, succeeds } from './line.ts'
import { type SentinelSet, startSentinels, until } from './servers/index.ts'

let set: SentinelSet
beforeAll(async () => {
  set = await startSentinels()
})
afterAll(() => set.close())

it('when sentinels make the replica the primary, sessions are never absent, and all clients go on', async () => {
  const connected = await Promise.all(Object.values(SENTINEL_CLIENTS).map(connect => connect(set)))
  const managers = connected.flatMap(({ client }) =>
    STORAGE_NAMES.map(name => {
      const options = { client, prefix: `${name}:`, timeout: 300 }
      return new Manager<Data>({ storage: new STORAGES[name](options) })
    }),
  )
  const begun = managers.map(async manager => {
    const session = manager.new()
    await until('it is begun', () =>
      succeeds(async () => {
        await session.setMap({ user: 'Ada', views: 1 })
        await session.close()
      }),
    )
    return { manager, id: await session.id() }
  })
  const sessions = await Promise.all(begun)
  // What the replica does not have yet would be lost by Redis itself.
  await (await set.primary()).call('WAIT', 1, 1000)
  let isOver = false
  const load = sessions.map(async ({ manager, id }) => {
    let failed = 0
    while (!isOver) {
      const read = async () => expect(await manager.new(id).get('user')).toBe('Ada')
      if (!(await succeeds(read))) failed++
    }
    return failed
  })
  await set.failOver()
  const recovered = sessions.map(({ manager, id }) =>
    until('it writes', () =>
      succeeds(() => manager.new(id).update('views', (views = 0) => views + 1)),
    ),
  )
  await Promise.all(recovered)
  isOver = true
  for (const failed of await Promise.all(load)) expect(failed).toBeGreaterThan(0)
  await Promise.all(managers.map(manager => manager.close()))
  for (const { close } of connected) await close()
})
