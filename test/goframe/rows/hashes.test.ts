import { describe, expect, it } from 'vitest'
import { dataOf, request, store } from './program.ts'
import { describeRows, GO_SUBJECTS, SUBJECTS } from './stage.ts'

const DATA = { a: true, n: 5, m: { k: ['v'] }, text: 'x' }
const FIELDS = { a: '1', n: '5', m: '{"k":["v"]}', text: 'x' }

describeRows('sessions in hashes', stage => {
  describe.each(SUBJECTS)('%s', subject => {
    it('row 19: each key is a field, written as go-redis writes it', async () => {
      const place = stage.place('hash')
      const id = await store(await stage.program(subject, place), DATA)

      expect(JSON.parse((await place.records.text(id)) ?? '{}')).toMatchObject(FIELDS)
    })

    it.each(GO_SUBJECTS)('row 20: what %s set is text', async writer => {
      const place = stage.place('hash')
      const id = await store(await stage.program(writer, place), DATA)
      const program = await stage.program(subject, place)

      expect(await dataOf(program, id)).toEqual(FIELDS)
      expect(await request(program, id, session => session.get('n'))).toBe('5')
    })
  })

  describe.each(GO_SUBJECTS)('%s', subject => {
    it('row 19, GoFrame: what is set shows before Close, without a ttl', async () => {
      const place = stage.place('hash')
      const session = await (await stage.program(subject, place)).begin()
      await session.set('a', true)
      const id = await session.id()

      expect(await place.records.text(id)).toBe('{"a":"1"}')
      expect(await place.records.timeLeft(id)).toBe(-1)
      await session.close()
      expect(await place.records.timeLeft(id)).toBeGreaterThan(30_000)
    })

    it('row 20, GoFrame: what Node set is text, and so is what Node notes beside it', async () => {
      const place = stage.place('hash')
      const id = await store(await stage.program('here', place), DATA)

      expect(await dataOf(await stage.program(subject, place), id)).toMatchObject(FIELDS)
    })

    it('row 22, GoFrame: in a hash a stored nil is an empty text, and contained', async () => {
      const program = await stage.program(subject, stage.place('hash'))
      const session = await program.begin(await store(program, { k: null }))

      expect([await session.contains('k'), await session.getOrDefault('k')]).toEqual([true, ''])
    })

    it('row 40, GoFrame: below a second a string is not stored, and Close fails', async () => {
      const place = stage.place('kv', { ttl: 500 })

      await expect(store(await stage.program(subject, place), DATA)).rejects.toThrow(/expire/)
      expect(await place.records.names()).toEqual([])
    })

    it('row 40, GoFrame: below a second a hash is removed, and Close says nothing', async () => {
      const place = stage.place('hash', { ttl: 500 })
      await store(await stage.program(subject, place), DATA)

      expect(await place.records.names()).toEqual([])
    })
  })

  it('row 19, here: what is set shows after close, in one step with its ttl', async () => {
    const place = stage.place('hash')
    const session = await (await stage.program('here', place)).begin()
    await session.set('a', true)
    const id = await session.id()

    expect(await place.records.text(id)).toBeUndefined()
    await session.close()
    expect(await place.records.timeLeft(id)).toBeGreaterThan(30_000)
  })

  it('row 20, here: what was set here keeps its type, a stored null too', async () => {
    const program = await stage.program('here', stage.place('hash'))
    const data = { ...DATA, k: null }
    const session = await program.begin(await store(program, data))

    expect(await session.data()).toEqual(data)
    expect([await session.contains('k'), await session.getOrDefault('k')]).toEqual([
      false,
      'default',
    ])
  })

  // A look at what lives for less than a second may come too late.
  it.each(['kv', 'hash'] as const)(
    'row 40, here: below a second the ttl is kept to the millisecond (%s)',
    { retry: 5 },
    async kind => {
      const place = stage.place(kind, { ttl: 500 })
      const id = await store(await stage.program('here', place), DATA)

      expect(await place.records.timeLeft(id)).toBeGreaterThan(0)
      expect(await place.records.timeLeft(id)).toBeLessThanOrEqual(500)
    },
  )
})
