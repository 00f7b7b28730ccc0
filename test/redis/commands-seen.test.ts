import { describe, it } from 'vitest'
import { countCommands, RespConnection, startServer } from './servers/index.ts'

describe.concurrent('countCommands', () => {
  it('lists what the server was asked meanwhile, in order, and nothing else', async ({
    expect,
  }) => {
    await using server = await startServer()
    using one = await RespConnection.open(server.address)
    await one.call('SET', 'before', 1)
    const seen = await countCommands(server, async () => {
      for (let n = 0; n < 500; n++) void one.call('INCR', `n${n}`)
      await one.call('EVAL', "return redis.call('GET', KEYS[1])", 1, 'é "quoted" \\ \n\0')
    })
    await one.call('SET', 'after', 1)
    expect(seen.slice(0, 500).map(({ args }) => args.join(' '))).toEqual(
      Array.from({ length: 500 }, (_, n) => `INCR n${n}`),
    )
    expect(seen.slice(500).map(({ args, from }) => [from === 'lua', ...args])).toEqual([
      [false, 'EVAL', "return redis.call('GET', KEYS[1])", '1', 'é "quoted" \\ \n\0'],
      [true, 'GET', 'é "quoted" \\ \n\0'],
    ])
    expect(seen[0]).toMatchObject({ database: 0, from: one.localAddress })
  })

  it('finds nothing when nothing is asked', async ({ expect }) => {
    await using server = await startServer()
    expect(await countCommands(server, async () => undefined)).toEqual([])
  })
})
