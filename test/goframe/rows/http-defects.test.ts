import { mkdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { newSessionId } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { ask } from '../../helpers/http-client.ts'
import type { TestServer } from '../../helpers/http-servers.ts'
import { delayWrites } from '../../helpers/http-storage.ts'
import { type Place, SHARED } from './place.ts'
import { timeOf, writeAsBefore } from './records.ts'
import { askWith, idOf, putting } from './site-cookies.ts'
import { describeRows, GO_SUBJECTS, type Stage, type Subject } from './stage.ts'

const PATIENCE = { timeout: 10_000 }

describeRows('ids that clients choose', stage => {
  describe.each(GO_SUBJECTS)('%s', subject => {
    it.each(SHARED)('row 31, GoFrame: an id that a client chose is adopted (%s)', async kind => {
      const place = stage.place(kind)
      const chosen = newSessionId()
      const answer = await askWith(chosen, await stage.site(subject, place), '/set')

      expect(answer.setCookies).toEqual([])
      expect(await place.records.text(chosen)).toContain('time')
    })

    it.each(['file', 'kv'] as const)(
      'row 32, GoFrame: an id such as ../x or user:1 reads and overwrites what is no session (%s)',
      async kind => {
        const { server, id, text } = await openBesideSecret(stage, subject, kind)

        expect(JSON.parse((await askWith(id, server, '/get')).text)).toEqual({ secret: 'kept' })
        await askWith(id, server, '/key/secret', putting('stolen'))
        expect(await text()).toContain('{"secret":"stolen"}')
      },
    )
  })

  it.each(SHARED)('row 31, here: an id that a client chose is replaced (%s)', async kind => {
    const place = stage.place(kind)
    const chosen = newSessionId()
    const answer = await askWith(chosen, await stage.site('here', place), '/set')

    expect(idOf(answer)).not.toBe(chosen)
    expect(await place.records.text(chosen)).toBeUndefined()
    expect(await place.records.text(idOf(answer))).toContain('time')
  })

  it.each(['file', 'kv'] as const)(
    'row 32, here: an id such as ../x or user:1 is no id (%s)',
    async kind => {
      const { server, id, text } = await openBesideSecret(stage, 'here', kind)
      const before = await text()

      expect((await askWith(id, server, '/get')).text).toBe('{}')
      expect((await askWith(id, server, '/del')).text).toBe('ok')
      expect(idOf(await askWith(id, server, '/key/secret', putting('mine')))).not.toBe(id)
      expect(await text()).toBe(before)
    },
  )
})

/** A site next to something that is no session of it, and the id that leads there. */
async function openBesideSecret(stage: Stage, subject: Subject, kind: 'file' | 'kv') {
  const secret = '{"secret":"kept"}'
  if (kind === 'kv') {
    const text = async () => String(await stage.redis.call('GET', 'user:1'))
    await stage.redis.call('SET', 'user:1', secret)
    const server = await stage.site(subject, stage.place('kv', { where: '' }))
    return { server, id: 'user:1', text }
  }
  const outer = stage.folder()
  const path = join(outer, 'x.session')
  const where = join(outer, 'sessions')
  mkdirSync(where, { mode: 0o700 })
  writeAsBefore(path, Buffer.concat([timeOf(Date.now()), Buffer.from(secret)]))
  const server = await stage.site(subject, stage.place('file', { where }))
  return { server, id: '../x', text: async () => readFileSync(path).toString() }
}

describeRows('when a change is stored', stage => {
  /** Signs in, and follows the redirect as soon as its head is there, as a browser does. */
  async function signIn({ port }: TestServer): Promise<unknown> {
    const base = `http://127.0.0.1:${port}`
    const { status, headers } = await fetch(`${base}/login`, { redirect: 'manual' })
    expect([status, headers.get('location')]).toEqual([302, '/get'])
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    return (await fetch(`${base}/get`, { headers: { cookie } })).json()
  }

  it.each(GO_SUBJECTS)(
    'row 36, GoFrame: who follows a redirect at once is not signed in yet (%s)',
    async subject => {
      const go = { saveDelay: 3_000 }
      expect(await signIn(await stage.site(subject, stage.place('memory'), { go }))).toEqual({})
    },
  )

  it('row 36, here: who follows a redirect at once is signed in', async () => {
    const { storage } = delayWrites(300)
    const server = await stage.site('here', stage.place('memory'), { storage })
    expect(await signIn(server)).toEqual({ user: 'Ann' })
  })

  describe.each(GO_SUBJECTS)('%s', subject => {
    it('row 37, GoFrame: what a client changed who went away is lost (kv)', async () => {
      const place = stage.place('kv')
      const server = await stage.site(subject, place)
      await leave(server)

      expect(await firstSaveOf(server)).toMatch(/SetEX .*: context canceled$/)
      expect(await place.records.names()).toEqual([])
    })

    it('row 37, GoFrame: a hash that a client changed who went away never expires', async () => {
      const place = stage.place('hash')
      const server = await stage.site(subject, place)
      await leave(server, () => isStored(place))

      expect(await firstSaveOf(server)).toMatch(/Expire .*: context canceled$/)
      expect(await timesLeft(place)).toEqual([-1])
    })

    it.each(['file', 'kv'] as const)(
      'row 38, GoFrame: one function loses all that was set, and the client hears ok (%s)',
      async kind => {
        const place = stage.place(kind)
        const server = await stage.site(subject, place)
        const answer = await ask(server, '/set-function')

        expect([answer.status, answer.text]).toEqual([200, 'ok'])
        expect(await firstSaveOf(server)).toContain('unsupported type: func()')
        expect((await askWith(idOf(answer), server, '/get')).text).toBe('{}')
      },
    )
  })

  it.each(['kv', 'hash'] as const)(
    'row 37, here: what a client changed who went away is stored, with its ttl (%s)',
    async kind => {
      const place = stage.place(kind)
      await leave(await stage.site('here', place))

      await isStored(place)
      for (const left of await timesLeft(place)) expect(left).toBeGreaterThan(0)
    },
  )

  it.each(SHARED)(
    'row 38, here: a function is refused at Set, the rest is stored, and the client hears of it (%s)',
    async kind => {
      const server = await stage.site('here', stage.place(kind))
      const answer = await ask(server, '/set-function')

      expect([answer.status, answer.text]).toEqual([500, expect.stringContaining('function')])
      expect((await askWith(idOf(answer), server, '/get')).text).toBe('{"user":"Ann"}')
    },
  )
})

/** Sends a request that ends when its client is gone, waits for what is asked, and goes. */
async function leave(
  { port }: TestServer,
  before: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.write('GET /set-until-gone HTTP/1.1\r\nHost: localhost\r\n\r\n', () => resolve())
  })
  await before()
  socket.destroy()
}

/** How the first save of a Go server ended: with '' or the text of its error. */
function firstSaveOf(server: TestServer): Promise<string> {
  return vi.waitFor(async () => {
    const [first, ...others] = JSON.parse((await ask(server, '/saves')).text)
    expect([typeof first, others]).toEqual(['string', []])
    return first
  }, PATIENCE)
}

function isStored({ records }: Place): Promise<void> {
  return vi.waitFor(async () => expect(await records.names()).toHaveLength(1), PATIENCE)
}

/** The milliseconds that each key of a place in Redis has left; -1 for one that stays. */
async function timesLeft({ options, records }: Place): Promise<readonly number[]> {
  const ids = (await records.names()).map(name => name.slice(options.where.length))
  return Promise.all(ids.map(id => records.timeLeft(id)))
}
