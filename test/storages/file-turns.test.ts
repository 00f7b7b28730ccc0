import { Manager, StorageFile } from 'gsession'
import { expect, it } from 'vitest'
import { countTurns } from '../helpers/count-turns.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const WRITES = 500

it('other work has its turns while many sessions are written at once: first come, first served', async () => {
  await using manager = new Manager({ storage: new StorageFile({ path: tempFolder() }) })
  const sessions = Array.from({ length: WRITES }, () => manager.new())
  const order: number[] = []
  const turns = await countTurns(() =>
    Promise.all(
      sessions.map(async (session, n) => {
        await session.set('n', n)
        await session.close()
        order.push(n)
      }),
    ),
  )
  expect(turns).toBeGreaterThan(WRITES / 10)
  expect(order).toEqual([...sessions.keys()])
  for (const [n, session] of sessions.entries()) {
    expect(await manager.new(await session.id()).get('n')).toBe(n)
  }
})

it('a record of a clock that begins at zero is read at once: it is no file that somebody is writing', async () => {
  const path = tempFolder()
  const clock = (): number => 0
  const writer = new StorageFile({ path, clock })
  await writer.create('id', new Map([['n', '1']]), 60_000)
  const reader = new StorageFile({ path, clock })
  const loaded = reader.load('id', 60_000)
  expect(loaded).not.toBeInstanceOf(Promise)
  expect((await loaded)?.data.get('n')).toBe('1')
})
