import { describe, expect, it } from 'vitest'
import type { GoSession } from '../go-driver.ts'
import type { Place } from './place.ts'
import { dataOf, request, store } from './program.ts'
import { describeRows, GO_SUBJECTS, SUBJECTS, type Subject } from './stage.ts'

const KINDS = ['memory', 'file', 'kv', 'hash'] as const
const WHOLE = ['memory', 'file', 'kv'] as const
const TEXTS = ['file', 'kv'] as const

describeRows('what a session answers', stage => {
  describe.each(SUBJECTS)('%s', subject => {
    it.each(WHOLE)('row 22: a stored null counts, and is as good as none (%s)', async kind => {
      const program = await stage.program(subject, stage.place(kind))
      const id = await store(program, { k: null })

      await request(program, id, async session => {
        expect(await session.contains('k')).toBe(false)
        expect(await session.size()).toBe(1)
        expect(await session.data()).toEqual({ k: null })
        expect(await session.getOrDefault('k')).toBe('default')
        expect(await session.get('k')).toBeNull()
      })
    })

    it.each(KINDS)('row 24: a started session refuses setId and setIdFunc (%s)', async kind => {
      const session = await (await stage.program(subject, stage.place(kind))).begin()
      await session.set('a', 1)
      await session.data()

      await expect(session.setId('x')).rejects.toThrow(/started/)
      await expect(session.setIdFunc('x'.repeat(22))).rejects.toThrow(/started/)
    })

    it.each(KINDS)('row 25: an id that the program chose names the record (%s)', async kind => {
      const program = await stage.program(subject, stage.place(kind))
      const session = await program.begin()
      await session.setId('x')
      await session.set('a', 'b')
      await session.close()

      expect(await session.id()).toBe('x')
      expect(await dataOf(program, 'x')).toEqual({ a: 'b' })
    })
  })

  describe.each(['GoFrame newest', 'here'] as const)('%s', subject => {
    it.each(WHOLE)('row 26: regenerating moves the data to a new id (%s)', async kind => {
      const program = await stage.program(subject, stage.place(kind))
      const id = await store(program, { a: 1 })
      const newId = await request(program, id, session => session.regenerate(true))

      expect(newId).not.toBe(id)
      expect(await dataOf(program, newId)).toEqual({ a: 1 })
      expect(await dataOf(program, id)).toEqual({})
    })

    it.each(TEXTS)(
      'row 27: the old id can stay, and knows nothing of later changes (%s)',
      async kind => {
        const program = await stage.program(subject, stage.place(kind))
        const [old, now] = await regenerateAndSet(program)

        expect([old, now]).toEqual([{ a: 1 }, { a: 1, user: 'Ann' }])
      },
    )
  })

  async function regenerateAndSet(program: Awaited<ReturnType<typeof stage.program>>) {
    const id = await store(program, { a: 1 })
    const newId = await request(program, id, async session => {
      const next = await session.regenerate(false)
      await session.set('user', 'Ann')
      return next
    })
    return [await dataOf(program, id), await dataOf(program, newId)]
  }

  it('rows 26 and 27, GoFrame 2.6.4: there is no RegenerateId', async () => {
    const program = await stage.program('GoFrame 2.6.4', stage.place('file'))
    const session = await program.begin(await store(program, { a: 1 }))

    await expect(session.regenerate(true)).rejects.toThrow('this GoFrame has no RegenerateId')
  })

  it('row 27, GoFrame newest: in memory, later changes show under the old id', async () => {
    const program = await stage.program('GoFrame newest', stage.place('memory'))
    const data = { a: 1, user: 'Ann' }

    expect(await regenerateAndSet(program)).toEqual([data, data])
  })

  it.each(['memory', 'hash'] as const)(
    'row 27, here: in memory and hashes the two are apart, too (%s)',
    async kind => {
      const program = await stage.program('here', stage.place(kind))

      expect(await regenerateAndSet(program)).toEqual([{ a: 1 }, { a: 1, user: 'Ann' }])
    },
  )

  it('row 35, GoFrame newest: regenerating loses the data of a hash', async () => {
    const program = await stage.program('GoFrame newest', stage.place('hash'))
    const id = await store(program, { a: 1 })
    const newId = await request(program, id, session => session.regenerate(true))

    expect(await dataOf(program, newId)).toEqual({})
    expect(await dataOf(program, id)).toEqual({})
  })

  it('row 35, here: regenerating keeps the data of a hash, and starts its ttl anew', async () => {
    const place = stage.place('hash')
    const program = await stage.program('here', place)
    const id = await store(program, { a: 1 })
    await place.records.age(id, 30_000)
    const newId = await request(program, id, session => session.regenerate(true))

    expect(await dataOf(program, newId)).toEqual({ a: 1 })
    expect(await dataOf(program, id)).toEqual({})
    expect(await place.records.timeLeft(newId)).toBeGreaterThan(31_000)
  })

  describe.each(GO_SUBJECTS)('%s', subject => {
    it.each(KINDS)('row 33, GoFrame: without an id the default is not given (%s)', async kind => {
      const session = await (await stage.program(subject, stage.place(kind))).begin()

      expect(await session.getOrDefault('k')).toBeNull()
    })

    it.each(TEXTS)(
      'row 23, GoFrame: removing what is not there rewrites all, and undoes what others set (%s)',
      async kind => {
        for (const keys of [['absent'], []]) {
          const { isDirty, data } = await removeBesideAnother(subject, kind, keys)

          expect(isDirty).toBe(true)
          expect(data).toEqual({ a: 1 })
        }
      },
    )
  })

  describe.each(GO_SUBJECTS)('%s', subject => {
    it.each(TEXTS)(
      'row 38, GoFrame: Set takes what cannot be stored, then Close stores nothing (%s)',
      async kind => {
        const place = stage.place(kind)
        for (const go of ['NaN', 'Inf', 'func']) {
          const session = await openGo(subject, place)
          await session.set('user', 'Ann')
          await session.order('set', { key: 'bad', go })

          await expect(session.order('close')).rejects.toThrow(/unsupported (?:value|type)/)
          expect(await place.records.names()).toEqual([])
        }
      },
    )

    it('row 38, GoFrame: a hash refuses a function, and keeps NaN as text', async () => {
      const session = await openGo(subject, stage.place('hash'))

      await expect(session.order('set', { key: 'bad', go: 'func' })).rejects.toThrow(/marshal/)
      await session.order('set', { key: 'bad', go: 'NaN' })
      expect(await session.data()).toEqual({ bad: 'NaN' })
    })
  })

  it.each(KINDS)('row 38, here: set refuses it, and the rest is stored (%s)', async kind => {
    const program = await stage.program('here', stage.place(kind))
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    const session = await program.begin()
    await session.set('user', 'Ann')
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, () => 1, cycle, Symbol('s')]) {
      await expect(session.set('bad', value)).rejects.toMatchObject({ code: 'ERR_VALUE' })
    }
    await session.close()

    expect(await dataOf(program, await session.id())).toEqual({ user: 'Ann' })
  })

  /** A session without an id, to set what only Go has. */
  async function openGo(subject: (typeof GO_SUBJECTS)[number], { go }: Place): Promise<GoSession> {
    const driver = stage.driver(subject)
    await driver.open(go.path ?? '', go)
    return driver.begin(go.path ?? '')
  }

  it.each(KINDS)('row 33, here: without an id the default is given (%s)', async kind => {
    const session = await (await stage.program('here', stage.place(kind))).begin()

    expect(await session.getOrDefault('k')).toBe('default')
  })

  it.each(TEXTS)(
    'row 23, here: removing what is not there touches nothing else; of no key, nothing at all (%s)',
    async kind => {
      for (const keys of [['absent'], []]) {
        const { isDirty, data } = await removeBesideAnother('here', kind, keys)

        // It may have been set meanwhile.
        expect(isDirty).toBe(keys.length > 0)
        expect(data).toEqual({ a: 1, b: 2 })
      }
    },
  )

  /** Removes keys in one request, while another sets one. */
  async function removeBesideAnother(
    subject: Subject,
    kind: (typeof TEXTS)[number],
    keys: readonly string[],
  ) {
    const program = await stage.program(subject, stage.place(kind))
    const id = await store(program, { a: 1 })
    const session = await program.begin(id)
    await session.data()
    await request(program, id, other => other.set('b', 2))
    await session.remove(...keys)
    const isDirty = await session.isDirty()
    await session.close()
    return { isDirty, data: await dataOf(program, id) }
  }
})
