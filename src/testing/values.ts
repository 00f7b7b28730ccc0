import assert from 'node:assert/strict'
import { isAtomicStorage } from '../core/atomic-storage.ts'
import { newSessionId } from '../core/session-id.ts'
import type { SessionData } from '../core/storage.ts'
import { assertSameData, changes, encoded, loadAll, range, whereOffered } from './data.ts'
import { type Fixture, HOUR, type Test, type Tests } from './fixture.ts'

/** So many keys are set one by one, which of a thousand would take seconds. */
const MAX_SETS = 20
const INT64_MAX = 9_223_372_036_854_775_807n

export const values: Tests = {
  'keeps null, booleans, numbers and texts': keeps({
    nothing: null,
    yes: true,
    no: false,
    zero: 0,
    fraction: -3.14,
    smallest: 5e-324,
    largest: 1.7976931348623157e308,
    safe: Number.MAX_SAFE_INTEGER,
    empty: '',
    text: 'a "quoted" \\ text, 12345678901234567890',
  }),

  'keeps arrays and objects': keeps({
    emptyArray: [],
    emptyObject: {},
    nested: { list: [1, [2, [3, { four: [null] }]]], '': { '': {} } },
    likeAnArray: { 0: 'a', 1: 'b' },
  }),

  'keeps unicode in keys and values': keeps({
    'ключ 🔑': 'naïve Ωmega \u{1d4b3} 👩‍👩‍👧',
    'e\u0301': 'a key that is not the one in composed form',
    '\u00e9': 'the one in composed form',
    lines: 'one\r\ntwo\u2028three\u2029four\u0085',
    marks: '\ufeff\u202e\u200b',
  }),

  'keeps NUL and halves of surrogate pairs': keeps({ nul: 'a\u0000b', half: 'a\ud83db' }),

  'keeps integers beyond 2^53 exactly': keeps({
    max: INT64_MAX,
    min: -INT64_MAX - 1n,
    unsigned: 18_446_744_073_709_551_615n,
    huge: 2n ** 200n,
    nested: { list: [INT64_MAX, { id: 1_265_476_890_672_672_808n }] },
    small: 7,
  }),

  'keeps keys that every object inherits': keeps(
    parse('{"__proto__":{"admin":true},"constructor":1,"toString":2,"hasOwnProperty":3}'),
  ),

  'keeps such keys inside of values': keeps({ user: parse('{"__proto__":{"admin":true},"a":1}') }),

  'keeps a key that is the empty text': keeps({ '': 'a value', other: 1 }),

  'keeps keys that mean something elsewhere': keeps({
    'a.b': 1,
    'a:b': 2,
    $set: 3,
    '*': 4,
    '[0]': 5,
    "'; --": 6,
    '%00': 7,
    '{a}': 8,
    '0': 9,
    ' ': 10,
    '../a': 11,
    A: 12,
    a: 13,
  }),

  'keeps a value of a megabyte': keeps({ large: 'x€'.repeat(2 ** 18), small: 1 }),

  'keeps a thousand keys': keeps(Object.fromEntries(range(1000).map(n => [`key${n}`, n]))),

  'keeps a stored null apart from a key that is absent': async ({ verbs }) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ nothing: null, a: 1 }), HOUR)
    const loaded = await verbs.load(id, HOUR)
    assert.equal(loaded?.data.get('nothing'), 'null')
    assert.equal(loaded.data.get('absent'), undefined)
  },

  'writes a number back as it was when other keys change': async ({ storage, verbs }) => {
    if (!isAtomicStorage(storage)) return
    const id = newSessionId()
    await verbs.create(id, new Map([['price', '1.0']]), HOUR)
    await verbs.merge(id, changes({ other: 2 }), HOUR)
    assert.equal((await verbs.load(id, HOUR))?.data.get('price'), '1.0')
  },

  'setSession and getSession share no objects with their callers': whereOffered(
    async ({ storage }) => {
      const id = newSessionId()
      const given = { list: [1] }
      await storage.setSession(id, given, HOUR)
      given.list.push(2)
      const first = await storage.getSession(id, HOUR)
      assertSameData(first, { list: [1] })
      spoil(first)
      assertSameData(await storage.getSession(id, HOUR), { list: [1] })
    },
  ),

  'set, get and data share no objects with their callers': whereOffered(async ({ storage }) => {
    const id = newSessionId()
    const given = [1]
    await storage.set(id, 'list', given, HOUR)
    given.push(2)
    const first = await storage.get(id, 'list')
    assertSameData(first, [1])
    spoil({ list: first })
    assertSameData(await storage.get(id, 'list'), [1])
    spoil(await storage.data(id))
    assertSameData(await storage.data(id), { list: [1] })
  }),
}

/** Stores the data on every road there is, and expects to get it back. */
function keeps(data: SessionData): Test {
  return async fixture => {
    for (const [name, road] of Object.entries(ROADS)) {
      await whereOffered(async () => assertSameData(await road(fixture, data), data, name))(fixture)
    }
  }
}

type Road = (fixture: Fixture, data: SessionData) => Promise<unknown>

const ROADS: Readonly<Record<string, Road>> = {
  'a new session, read through the verbs': async ({ verbs }, data) => {
    const id = newSessionId()
    await verbs.create(id, encoded(data), HOUR)
    return loadAll(verbs, id)
  },
  'changes of a session, read through the verbs': async ({ verbs }, data) => {
    const id = newSessionId()
    await verbs.create(id, encoded({ old: 1 }), HOUR)
    await verbs.merge(id, changes(data, ['old']), HOUR)
    return loadAll(verbs, id)
  },
  'setSession and getSession': async ({ storage }, data) => {
    const id = newSessionId()
    await storage.setSession(id, data, HOUR)
    return storage.getSession(id, HOUR)
  },
  'setMap and data': async ({ storage }, data) => {
    const id = newSessionId()
    await storage.setMap(id, data, HOUR)
    return storage.data(id)
  },
  'set and get': async ({ storage }, data) => {
    const id = newSessionId()
    const entries = Object.entries(data)
    const first = entries.slice(0, -MAX_SETS)
    if (first.length > 0) await storage.setMap(id, Object.fromEntries(first), HOUR)
    const found: [string, unknown][] = []
    for (const [key, value] of entries.slice(-MAX_SETS)) {
      await storage.set(id, key, value, HOUR)
      found.push([key, await storage.get(id, key)])
    }
    const others = first.length > 0 ? await storage.data(id) : {}
    return Object.fromEntries([...first.map(([key]) => [key, others?.[key]] as const), ...found])
  },
  'two requests': async ({ openManager }, data) => {
    const manager = openManager()
    const first = manager.new()
    await first.setMap(data)
    await first.close()
    return manager.new(await first.id()).data()
  },
}

/** Changes the list in data that a storage returned. */
function spoil(data: SessionData | undefined | null): void {
  const { list } = data ?? {}
  if (Array.isArray(list)) list.push('spoiled')
}

function parse(text: string): SessionData {
  return JSON.parse(text)
}
