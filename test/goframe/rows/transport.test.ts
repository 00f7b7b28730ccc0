import { describe, expect, it } from 'vitest'
import { ask } from '../../helpers/http-client.ts'
import type { TestServer } from '../../helpers/http-servers.ts'
import { SHARED } from './place.ts'
import { askWith, putting } from './site-cookies.ts'
import { describeRows, SUBJECTS, type Subject } from './stage.ts'

/** With all attributes that GoFrame gives by default, and then those that only this library adds. */
const COOKIE = {
  go: /^gfsessionid=([0-9a-z]{32}); Path=\/; Expires=([^;]+)$/,
  here: /^gfsessionid=([\w-]{43}); Path=\/; Expires=([^;]+); Max-Age=\d+; HttpOnly; SameSite=Lax$/,
}
const DAY = 86_400_000

const cookieOf = (subject: Subject): RegExp => COOKIE[subject === 'here' ? 'here' : 'go']

describeRows('the id of a session over HTTP', stage => {
  /** Sets a key of a new session, and answers its id. */
  async function begin(subject: Subject, server: TestServer, who: string): Promise<string> {
    const answer = await ask(server, '/key/who', putting(who))
    const [, id = ''] = cookieOf(subject).exec(answer.setCookies.join('\n')) ?? []
    if (id === '') throw new Error(`Expected one cookie, got ${answer.setCookies}`)
    return id
  }

  async function whoIs(server: TestServer, headers: Record<string, string>): Promise<unknown> {
    return JSON.parse((await ask(server, '/get', { headers })).text).who
  }

  describe.each(SUBJECTS)('%s', subject => {
    async function openWithTwo(): Promise<{ server: TestServer; a: string; b: string }> {
      const server = await stage.site(subject, stage.place('file'))
      const a = await begin(subject, server, 'a')
      return { server, a, b: await begin(subject, server, 'b') }
    }

    it.each(SHARED)(
      'row 1: reading without an id stores nothing, sets nothing (%s)',
      async kind => {
        const place = stage.place(kind)
        const answer = await ask(await stage.site(subject, place), '/read')

        expect(JSON.parse(answer.text)).toEqual([null, {}, 0, false])
        expect(answer.setCookies).toEqual([])
        expect(await place.records.names()).toEqual([])
      },
    )

    it.each(SHARED)('row 2: the first Set makes a record and one cookie (%s)', async kind => {
      const place = stage.place(kind, { ttl: DAY })
      const before = Date.now()
      const answer = await ask(await stage.site(subject, place), '/set')
      const [line = '', ...others] = answer.setCookies
      const [, id = '', expires = ''] = cookieOf(subject).exec(line) ?? []

      expect([answer.status, answer.text, others]).toEqual([200, 'ok', []])
      expect(line).toMatch(cookieOf(subject))
      // Dates of cookies are whole seconds, rounded or cut off.
      expect(Date.parse(expires) - before - DAY).toBeGreaterThan(-2_000)
      expect(Date.parse(expires) - Date.now() - DAY).toBeLessThan(2_000)
      const { time } = JSON.parse((await place.records.text(id)) ?? '{}')
      expect(Number(time)).toBeGreaterThanOrEqual(Math.floor(before / 1000))
    })

    it.each(SHARED)('row 3: a later Set restarts the ttl and sets no cookie (%s)', async kind => {
      const place = stage.place(kind)
      const server = await stage.site(subject, place)
      const id = await begin(subject, server, 'a')
      await place.records.age(id, 30_000)
      const answer = await askWith(id, server, '/set')

      expect(answer.setCookies).toEqual([])
      expect(JSON.parse((await place.records.text(id)) ?? '{}')).toHaveProperty('time')
      expect(await place.records.timeLeft(id)).toBeGreaterThan(31_000)
    })

    it('row 5: of cookie A and header B, A is used', async () => {
      const { server, a, b } = await openWithTwo()
      const headers = { cookie: `gfsessionid=${a}`, gfsessionid: b }

      expect(await whoIs(server, headers)).toBe('a')
    })

    it('row 6: of an empty cookie and header B, B is used', async () => {
      const { server, b } = await openWithTwo()
      const headers = { cookie: 'gfsessionid=', gfsessionid: b }

      expect(await whoIs(server, headers)).toBe('b')
    })

    it.each(['gfsessionid', 'GFSESSIONID', 'Gfsessionid', 'gfSessionId'])(
      'row 7: the header %s alone names the session, and no cookie is set',
      async name => {
        const { server, b } = await openWithTwo()
        const headers = { [name]: b }
        const answer = await ask(server, '/key/more', { ...putting('yes'), headers })

        expect(answer.setCookies).toEqual([])
        expect(await whoIs(server, headers)).toBe('b')
        expect(JSON.parse((await ask(server, '/get', { headers })).text).more).toBe('yes')
      },
    )

    it('row 8: of two cookies of that name the last is used', async () => {
      const { server, a, b } = await openWithTwo()
      const both = (first: string, last: string) => ({
        cookie: `gfsessionid=${first}; gfsessionid=${last}`,
      })

      expect(await whoIs(server, both(a, b))).toBe('b')
      expect(await whoIs(server, both(b, a))).toBe('a')
    })
  })
})
