import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { ask } from '../../helpers/http-client.ts'
import type { Kind } from './place.ts'
import { dataOf, store } from './program.ts'
import { askWith, idOf, putting } from './site-cookies.ts'
import { describeRows, GO_SUBJECTS, SUBJECTS, type Subject } from './stage.ts'

const TTL = 3_000
/** GoFrame writes refreshes every ten seconds. */
const PATIENCE = { timeout: 25_000, interval: 200 }

describeRows('sessions that are only read', stage => {
  // These wait for real time, so they do it side by side.
  describe.concurrent.each(SUBJECTS)('%s', subject => {
    it.each(['file', 'kv'] as const)('row 4: reading extends the ttl (%s)', async kind => {
      const place = stage.place(kind)
      const server = await stage.site(subject, place)
      const id = idOf(await ask(server, '/key/user', putting('Ann')))
      await place.records.age(id, 30_000)
      const { text, setCookies } = await askWith(id, server, '/get')

      expect(JSON.parse(text)).toMatchObject({ user: 'Ann' })
      expect(setCookies).toEqual([])
      await vi.waitFor(async () => {
        expect(await place.records.timeLeft(id)).toBeGreaterThan(31_000)
      }, PATIENCE)
    })
  })

  describe.concurrent.each(SUBJECTS)('%s', subject => {
    it('row 4: in memory, reading extends any ttl', () => livesWhileRead(subject, 'memory'))
  })

  describe.concurrent.each(GO_SUBJECTS)('%s', subject => {
    it('row 34, GoFrame: a hash that is only read ends with its first ttl', async () => {
      await endsWhileRead(subject, 'hash')
    })

    it.each(['file', 'kv'] as const)(
      'row 4, GoFrame: reading extends no ttl below ten seconds (%s)',
      kind => endsWhileRead(subject, kind),
    )
  })

  describe.concurrent('here', () => {
    it.each(['file', 'kv', 'hash'] as const)(
      'row 34, here: reading extends any ttl (%s)',
      async kind => {
        await livesWhileRead('here', kind)
      },
    )
  })

  async function livesWhileRead(subject: Subject, kind: Kind): Promise<void> {
    const program = await stage.program(subject, stage.place(kind, { ttl: TTL }))
    const id = await store(program, { user: 'Ann' })
    const end = Date.now() + 2.5 * TTL
    while (Date.now() < end) {
      expect(await dataOf(program, id)).toEqual({ user: 'Ann' })
      await wait(100)
    }
  }

  async function endsWhileRead(subject: Subject, kind: Kind): Promise<void> {
    const program = await stage.program(subject, stage.place(kind, { ttl: TTL }))
    const id = await store(program, { user: 'Ann' })
    expect(await dataOf(program, id)).toEqual({ user: 'Ann' })
    await vi.waitFor(async () => expect(await dataOf(program, id)).toEqual({}), PATIENCE)
  }
})
