import { describe, expect, it } from 'vitest'
import { ask } from '../../helpers/http-client.ts'
import { SHARED } from './place.ts'
import { askWith, cookieOf, idOf, putting } from './site-cookies.ts'
import { describeRows, GO_SUBJECTS, SUBJECTS } from './stage.ts'

describeRows('the cookie of a session', stage => {
  describe.each(SUBJECTS)('%s', subject => {
    it('row 25: an id that the handler chose names the record and the cookie', async () => {
      const place = stage.place('file')
      const answer = await ask(await stage.site(subject, place), '/start-with/x')

      expect(idOf(answer)).toBe('x')
      expect(await place.records.names()).toEqual(['x.session'])
    })

    it.each(SHARED)(
      'row 28: what was set before a panic is saved, with its cookie (%s)',
      async kind => {
        const server = await stage.site(subject, stage.place(kind))
        const answer = await ask(server, '/set-then-panic')

        expect(answer.status).toBe(500)
        const seen = await askWith(idOf(answer), server, '/get')
        const expected = kind === 'hash' && subject !== 'here' ? '1' : true
        expect(JSON.parse(seen.text)).toEqual({ beforePanic: expected })
      },
    )

    it('row 30: a cookie max age of 0 gives a cookie without Expires', async () => {
      const place = stage.place('file')
      const node = { ...place.preset.http, cookie: { maxAge: 0 } } as const
      const server = await stage.site(subject, place, { go: { cookieMaxAge: 0 }, node })
      const [line = ''] = (await ask(server, '/set')).setCookies

      expect(line).toMatch(/^gfsessionid=[\w-]+; Path=\/(?:; HttpOnly; SameSite=Lax)?$/)
    })

    it('row 29: without cookie output a new session is saved and no cookie set', async () => {
      const place = stage.place('file')
      const node = { header: place.preset.http.header, cookie: false } as const
      const server = await stage.site(subject, place, { go: { noCookie: true }, node })
      const answer = await ask(server, '/set')

      expect(answer.setCookies).toEqual([])
      const [name = '', ...others] = await place.records.names()
      expect([answer.status, others]).toEqual([200, []])
      // GoFrame tells the client no id at all then.
      const told = subject === 'here' ? name.replace('.session', '') : undefined
      expect(answer.headers['gfsessionid']).toBe(told)
    })
  })

  describe.each(['GoFrame newest', 'here'] as const)('%s', subject => {
    it.each(['file', 'kv'] as const)(
      'row 26: a regenerated session gets the new id as its cookie (%s)',
      async kind => {
        const place = stage.place(kind)
        const server = await stage.site(subject, place)
        const id = idOf(await ask(server, '/key/user', putting('Ann')))
        const newId = idOf(await askWith(id, server, '/regenerate'))

        expect(newId).not.toBe(id)
        expect(JSON.parse((await askWith(newId, server, '/get')).text)).toEqual({
          user: 'Ann',
        })
        expect(await place.records.text(id)).toBeUndefined()
      },
    )
  })

  it('row 28, here: an option says that what was set before is not stored', async () => {
    const place = stage.place('file')
    const node = { ...place.preset.http, saveOnError: false }
    const answer = await ask(await stage.site('here', place, { node }), '/set-then-panic')

    expect([answer.status, answer.setCookies]).toEqual([500, []])
    expect(await place.records.names()).toEqual([])
  })

  /** Sets a key, then calls /del, and tells what is left of the session. */
  async function logOut(subject: (typeof SUBJECTS)[number], kind: (typeof SHARED)[number]) {
    const place = stage.place(kind)
    const server = await stage.site(subject, place)
    const id = idOf(await ask(server, '/key/user', putting('Ann')))
    await place.records.age(id, 30_000)
    const answer = await askWith(id, server, '/del')
    const seen = await askWith(id, server, '/get')
    expect(seen.text).toBe('{}')
    return { place, id, answer, text: await place.records.text(id) }
  }

  describe.each(GO_SUBJECTS)('%s', subject => {
    it.each(['file', 'kv'] as const)(
      'row 21, GoFrame: RemoveAll leaves an empty record with a full ttl, and the cookie (%s)',
      async kind => {
        const { place, id, answer, text } = await logOut(subject, kind)

        expect([text, answer.setCookies]).toEqual(['{}', []])
        expect(await place.records.timeLeft(id)).toBeGreaterThan(31_000)
      },
    )

    it('row 21, GoFrame: RemoveAll removes a hash, and leaves the cookie', async () => {
      const { answer, text } = await logOut(subject, 'hash')

      expect([text, answer.setCookies]).toEqual([undefined, []])
    })

    it('row 39, GoFrame: removing the cookie, too, sets an empty one for the future', async () => {
      const server = await stage.site(subject, stage.place('file', { ttl: 86_400_000 }))
      const id = idOf(await ask(server, '/set'))
      const answer = await askWith(id, server, '/logout')
      const { value, expires } = cookieOf(answer)

      expect([answer.text, value]).toEqual(['ok', ''])
      expect(expires?.getTime()).toBeGreaterThan(Date.now() + 3_600_000)
    })
  })

  it.each(SHARED)('row 21, here: removeAll removes the record and the cookie (%s)', async kind => {
    const { answer, text } = await logOut('here', kind)

    expect(text).toBeUndefined()
    expect(cookieOf(answer).value).toBe('')
    expect(cookieOf(answer).expires?.getTime()).toBeLessThan(Date.now())
  })

  it('row 39, here: removing the cookie, too, leaves none that lives on', async () => {
    const server = await stage.site('here', stage.place('file'))
    const id = idOf(await ask(server, '/set'))
    const { setCookies, text } = await askWith(id, server, '/logout')

    expect(text).toBe('ok')
    expect(setCookies.length).toBeGreaterThan(0)
    for (const line of setCookies) expect(line).toMatch(/^gfsessionid=;.*Max-Age=0/)
  })
})
