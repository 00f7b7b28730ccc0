import { format, inspect } from 'node:util'
import { runInThisContext } from 'node:vm'
import { Manager, Session, SessionError, StorageMemory } from 'gsession'
import { beforeEach, describe, expect, it } from 'vitest'

let session: Session
beforeEach(async () => {
  const manager = new Manager({ storage: new StorageMemory() })
  session = manager.new()
  await session.set('secret', 'swordfish')
  await session.close()
})

/** Runs a program in sloppy mode, where what cannot be assigned is dropped in silence. */
function sloppy(program: string): unknown {
  return runInThisContext(`(session => { ${program} })`)(session)
}

const MISUSES = [
  ['session.user = { id: 1 }', '`await session.set("user", value)`'],
  ['session.user = undefined', '`remove`'],
  ['session.views++', '`update`'],
  ['session.views += 1', '`await session.set("views", value)`'],
  ['session.user ??= {}', '"user"'],
  ['session["a key"] = 1', '"a key"'],
  ['session[0] = 1', '"0"'],
  ['Object.assign(session, { user: 1 })', '"user"'],
  ['({ a: session.user } = { a: 1 })', '"user"'],
  ['session.id = "x"', '"id"'],
  ['session.data = {}', '"data"'],
  ['session.get = () => 1', '"get"'],
  ['session.size = 1', '"size"'],
  ['session.isDirty = false', '"isDirty"'],
  ['session[Symbol.for("a tag")] = 1', 'a tag'],
  ['session.__proto__ = {}', '__proto__'],
]

describe('a session that is used as a plain object', () => {
  it.each(MISUSES)('says what to write instead: %s', (program, advice) => {
    for (const mode of ['', '"use strict"; ']) {
      let failure: unknown
      try {
        sloppy(mode + program)
      } catch (error) {
        failure = error
      }
      expect(failure).toBeInstanceOf(SessionError)
      expect(failure).toMatchObject({ code: 'ERR_VALUE' })
      expect(String(failure)).toContain(advice)
    }
    expect(Object.keys(session)).toEqual([])
    expect(session).toBeInstanceOf(Session)
  })

  it.each([
    'return `${' + 'session.id}`',
    'return "id: " + session.id',
    'return session.id == "abc"',
    'return JSON.stringify({ id: session.id })',
    'return String(session.data)',
    'return encodeURIComponent(session.id)',
  ])('says that a method is no value: %s', program => {
    expect(() => sloppy(program)).toThrow(/`session\.(id|data)` is a method.*await session\./)
  })

  it('is read as any object, and waited for, where others look what it is', async () => {
    expect(sloppy('return session.user')).toBeUndefined()
    expect(sloppy('return "user" in session')).toBe(false)
    expect(await Promise.resolve(session)).toBe(session)
    expect(Object.prototype.toString.call(session)).toBe('[object Object]')
    expect(session).toEqual(session)
    expect(() => structuredClone(session)).not.toThrow()
  })
})

describe('a session that is shown', () => {
  it.each([
    ['inspect', (it: unknown) => inspect(it)],
    [
      'inspect, in another object',
      (it: unknown) => inspect({ it }, { depth: 9, showHidden: true }),
    ],
    ['format', (it: unknown) => format('%o %O %s', it, it, it)],
    ['JSON', (it: unknown) => JSON.stringify({ it })],
  ])('tells how to read it, and nothing that it holds: %s', async (_way, show) => {
    await session.get('secret')
    const text = show(session)
    expect(text).toContain('await session.data()')
    expect(text).not.toContain('swordfish')
    expect(text).not.toContain(await session.id())
  })

  it('tells whether it has changes, without starting', () => {
    const unused = new Manager({ storage: new StorageMemory() }).new()
    expect(inspect(unused)).toContain('isDirty: false')
    unused.setId('still-not-started')
    void unused.set('a', 1)
    expect(inspect(unused)).toContain('isDirty: true')
  })
})

describe('a change that cannot be', () => {
  const refusal = async (change: Promise<unknown>): Promise<string> => {
    const error: SessionError = await change.then(
      () => expect.fail('It was accepted'),
      e => e,
    )
    expect(error).toBeInstanceOf(SessionError)
    return `${error.code} ${error.message}`
  }
  it('names the key, and the place in the value', async () => {
    const user = { tags: [1, 2, 3, new Date(0)], 'a b': [{ f: () => 1 }] }
    expect(await refusal(session.set('user', user))).toMatch(
      /ERR_VALUE.*`user\.tags\[3\]` is an.*Date/,
    )
    expect(await refusal(session.setMap({ ok: 1, user }))).toContain('`user.tags[3]`')
    expect(await refusal(session.update('user', () => user))).toContain('`user.tags[3]`')
    const odd = { 'a b': [{ "it's": new Map() }] }
    expect(await refusal(session.set('my key', odd))).toContain('`["my key"]["a b"][0]["it\'s"]`')
    expect(await refusal(session.set('k'.repeat(20_000), Number.NaN))).toMatch(/^.{0,300}$/s)
    expect(session.isDirty).toBe(false)
  })

  it.each([
    [new Date(0), 'toISOString'],
    [new Map(), 'Object.fromEntries'],
    [new Set(), '[...set]'],
    [Promise.resolve(1), 'await'],
    [undefined, 'remove'],
  ])('says what to store instead of %s', async (value, advice) => {
    expect(await refusal(session.set('a', value))).toContain(advice)
  })

  it('names the method that was meant', async () => {
    // What TypeScript would refuse.
    const loose = session as never as Record<string, (...values: unknown[]) => Promise<unknown>>
    const call = (method: string, ...values: unknown[]): Promise<string> =>
      refusal(loose[method]?.(...values) ?? Promise.resolve())
    expect(await call('set', { a: 1 })).toMatch(/ERR_KEY.*`setMap/)
    expect(await call('remove', ['a', 'b'])).toMatch(/ERR_KEY.*remove\('a', 'b'\)/)
    expect(await call('get')).toMatch(/ERR_KEY.*got undefined/)
    expect(await call('get', 1)).toMatch(/ERR_KEY.*got a number/)
    for (const wrong of [undefined, null, 'a', [['a', 1]], new Map([['a', 1]])]) {
      expect(await call('setMap', wrong)).toMatch(/ERR_VALUE.*`set\(key, value\)`/)
    }
    expect(await call('update', 'views', 5)).toMatch(/ERR_VALUE.*`views` takes a function.*`set`/)
  })

  it.each<[string, () => unknown]>([
    ['that answers', async () => 1],
    ['that fails', () => Promise.reject(new Error('nobody hears of this'))],
    // biome-ignore lint/suspicious/noThenProperty: it is what such libraries answer
    ['of another library', () => ({ then: (resolve: (value: number) => void) => resolve(1) })],
  ])('is told to be synchronous when it is a promise %s', async (_what, fn) => {
    expect(await refusal(session.update('views', fn))).toMatch(/`views` needs a synchronous.*await/)
    expect(await session.get('views')).toBeUndefined()
  })
})
