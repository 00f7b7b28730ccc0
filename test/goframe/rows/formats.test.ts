import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countCommands } from '../../redis/servers/index.ts'
import type { Place } from './place.ts'
import { dataOf, type ProgramSession, request, store } from './program.ts'
import { timeOf, writeAsBefore } from './records.ts'
import { describeRows, GO_SUBJECTS, SUBJECTS } from './stage.ts'

const TEXTS = ['file', 'kv'] as const
const ID = 'an-id-of-somebody'
const fileOf = ({ options }: Place, id = ID): string => join(options.where, `${id}.session`)

/** `{"k1":"v1"}` with GoFrame's key, which is public. */
const CRYPTED = Buffer.from('6fe3bc8797329ad720032acb9d9329d5', 'hex')

describeRows('the record of a session', stage => {
  describe.each(SUBJECTS)('%s', subject => {
    describe.each(GO_SUBJECTS)('what %s wrote', writer => {
      it.each(TEXTS)('row 9: is read as the same JSON, big integers exact (%s)', async kind => {
        const place = stage.place(kind)
        const data = {
          id: 1265476890672672808n,
          max: 18446744073709551615n,
          map: { '<ü>': [1, 'two', null, 0.5, { deep: [] }] },
        }
        const id = await store(await stage.program(writer, place), data)

        expect(await dataOf(await stage.program(subject, place), id)).toEqual(data)
      })
    })

    it.each(TEXTS)('row 10: changing a key leaves the literals of others (%s)', async kind => {
      const place = stage.place(kind)
      const program = await stage.program(subject, place)
      await place.records.put(ID, '{"big":1265476890672672808,"huge":1e400,"one":1.0,"zero":-0}')
      await request(program, ID, session => session.set('a', 1))

      const text = (await place.records.text(ID)) ?? ''
      expect(Object.keys(JSON.parse(text)).sort()).toEqual(['a', 'big', 'huge', 'one', 'zero'])
      for (const member of [
        '"big":1265476890672672808',
        '"huge":1e400',
        '"one":1.0',
        '"zero":-0',
      ]) {
        expect(text).toContain(member)
      }
    })

    it.each(TEXTS)('row 11: what stands escaped or not reads alike (%s)', async kind => {
      const place = stage.place(kind)
      const program = await stage.program(subject, place)
      for (const text of ['{"a":"<b>&\u2028"}', '{"a":"\\u003cb\\u003e\\u0026\\u2028"}']) {
        await place.records.put(ID, text)

        expect(await dataOf(program, ID)).toEqual({ a: '<b>&\u2028' })
      }
    })

    it('row 12: a file is eight bytes of time, little-endian, and JSON', async () => {
      const place = stage.place('file')
      const before = Date.now()
      const id = await store(await stage.program(subject, place), { k1: 'v1', n: 1 })

      expect(await place.records.names()).toEqual([`${id}.session`])
      const bytes = readFileSync(fileOf(place, id))
      expect(bytes.subarray(8).toString()).toBe('{"k1":"v1","n":1}')
      expect(Number(bytes.readBigInt64LE())).toBeGreaterThanOrEqual(before)
      expect(Number(bytes.readBigInt64LE())).toBeLessThanOrEqual(Date.now())
    })

    it('row 13: an expired file reads as absent; GoFrame leaves it in place', async () => {
      const place = stage.place('file')
      await place.records.put(ID, '{"a":1}')
      await place.records.age(ID, place.options.ttl + 1_000)
      const before = readFileSync(fileOf(place))

      expect(await dataOf(await stage.program(subject, place), ID)).toEqual({})
      if (subject === 'here') expect(existsSync(fileOf(place))).toBe(false)
      else expect(readFileSync(fileOf(place))).toEqual(before)
    })

    it.each([0, 3, 8])('row 14: a file of %i bytes reads as absent', async length => {
      const place = stage.place('file')
      writeAsBefore(fileOf(place), timeOf(Date.now()).subarray(0, length))

      expect(await dataOf(await stage.program(subject, place), ID)).toEqual({})
    })

    it('row 15: with the public key a file is read and written as GoFrame encrypts it', async () => {
      const place = stage.place('file', { crypto: true })
      const program = await stage.program(subject, place)
      writeAsBefore(fileOf(place), Buffer.concat([timeOf(Date.now()), CRYPTED]))

      expect(await dataOf(program, ID)).toEqual({ k1: 'v1' })
      const id = await store(program, { k1: 'v1' })
      expect(readFileSync(fileOf(place, id)).subarray(8)).toEqual(CRYPTED)
    })

    it('row 16: a string in Redis is JSON below the prefix, with the ttl', async () => {
      const place = stage.place('kv', { where: `p:${subject}:` })
      const id = await store(await stage.program(subject, place), { k1: 'v1', n: 1 })

      expect(await stage.redis.call('GET', `p:${subject}:${id}`)).toBe('{"k1":"v1","n":1}')
      expect(await place.records.timeLeft(id)).toBeLessThanOrEqual(60_000)
      expect(await place.records.timeLeft(id)).toBeGreaterThan(30_000)
    })

    it.each([undefined, '', 'null'])('row 17: the record %j is an empty session', async text => {
      const place = stage.place('kv')
      if (text !== undefined) await place.records.put(ID, text)

      expect(await dataOf(await stage.program(subject, place), ID)).toEqual({})
    })

    describe.each(TEXTS)('%s', kind => {
      it.each(['[1]', '{"a":', '5'])('row 18: the record %s is an error', async text => {
        const place = stage.place(kind)
        const program = await stage.program(subject, place)
        const calls: readonly ((session: ProgramSession) => Promise<unknown>)[] = [
          session => session.data(),
          session => session.size(),
          session => session.id(),
          session => session.get('a'),
          session => session.contains('a'),
        ]
        for (const call of calls) {
          await place.records.put(ID, text)
          await expect(call(await program.begin(ID))).rejects.toThrow()
        }
      })
    })
  })

  it.each(TEXTS)('row 11, here: nothing of HTML is escaped, and Go reads it (%s)', async kind => {
    const place = stage.place(kind)
    const id = await store(await stage.program('here', place), { a: '<b>' })

    expect(await place.records.text(id)).toBe('{"a":"<b>"}')
    for (const reader of GO_SUBJECTS) {
      expect(await dataOf(await stage.program(reader, place), id)).toEqual({ a: '<b>' })
    }
  })

  it.each(GO_SUBJECTS)('row 13, GoFrame: the expired id is used further (%s)', async subject => {
    const place = stage.place('file')
    await place.records.put(ID, '{"a":1}')
    await place.records.age(ID, place.options.ttl + 1_000)
    const session = await (await stage.program(subject, place)).begin(ID)

    expect(await session.id()).toBe(ID)
  })

  it('row 13, here: a new id takes the place of the expired one', async () => {
    const place = stage.place('file')
    await place.records.put(ID, '{"a":1}')
    await place.records.age(ID, place.options.ttl + 1_000)
    const session = await (await stage.program('here', place)).begin(ID)

    expect(await session.id()).not.toBe(ID)
  })

  describe.each(GO_SUBJECTS)('%s', subject => {
    it('row 16, GoFrame: SETEX writes it, in whole seconds', async () => {
      const place = stage.place('kv', { ttl: 60_900 })
      const program = await stage.program(subject, place)
      let id = ''
      const seen = await countCommands(stage.redis, async () => {
        id = await store(program, { k1: 'v1' })
      })

      const args = seen.map(command => command.args).find(([name]) => /^setex$/i.test(name ?? ''))
      expect(args?.slice(1)).toEqual([place.options.where + id, '60', '{"k1":"v1"}'])
    })

    it.each(TEXTS)('row 18, GoFrame: a broken record fails each request anew (%s)', async kind => {
      const place = stage.place(kind)
      const program = await stage.program(subject, place)
      await place.records.put(ID, '{"a":')

      for (let times = 0; times < 3; times++) await expect(dataOf(program, ID)).rejects.toThrow()
      expect(await place.records.text(ID)).toBe('{"a":')
    })
  })

  it.each(TEXTS)('row 18, here: a broken record is kept aside, and fails once (%s)', async kind => {
    const place = stage.place(kind)
    const program = await stage.program('here', place)
    await place.records.put(ID, '{"a":')

    await expect(dataOf(program, ID)).rejects.toMatchObject({ code: 'ERR_UNREADABLE' })
    expect(await dataOf(program, ID)).toEqual({})
    expect(await place.records.text(ID)).toBeUndefined()
    expect(await place.records.names()).toEqual([expect.stringMatching(/unreadable/)])
    for (const reader of GO_SUBJECTS) {
      expect(await dataOf(await stage.program(reader, place), ID)).toEqual({})
    }
  })
})
