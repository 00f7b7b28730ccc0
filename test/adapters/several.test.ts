import { currentSession, Manager, StorageMemory } from 'gsession'
import type { HttpSessionOptions } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { countCalls } from '../helpers/http-storage.ts'
import { ACROSS, type Application, type Found, TOGETHER } from './several-lab.ts'

const newManager = (): Manager => new Manager({ storage: new StorageMemory() })
const ADMIN = { property: 'adminSession', name: 'admin' } as const

/** At `/set` each session is given a value that tells whose it is; all paths answer what they hold. */
async function answer(found: Found, path: string): Promise<string> {
  const entries = Object.entries(found)
  if (path === '/set') for (const [name, session] of entries) await session.set('of', name)
  const data = await Promise.all(entries.map(([, session]) => session.get('of', 'nobody')))
  return JSON.stringify(Object.fromEntries(entries.map(([name], at) => [name, data[at]])))
}

const makeApp = (
  parts: Application['parts'],
  handler: Application['handler'] = answer,
): Application => ({ parts, handler, errors: [] })

const cookiesOf = (lines: readonly string[]): string =>
  lines.map(line => line.split(';', 1)[0]).join('; ')

describe.each(Object.entries({ ...TOGETHER, ...ACROSS }))('two adapters: %s', (_, serve) => {
  it('make one session, saved once, when they have one manager and the same options', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const found: Found[] = []
    const options = { cookie: { sameSite: 'strict' }, saveOnError: false } as const
    const app = makeApp(
      [
        [manager, options],
        [manager, structuredClone(options)],
      ],
      (sessions, path) => {
        found.push(sessions)
        return answer(sessions, path)
      },
    )
    const server = await serve(app)
    const first = await ask(server, '/set')
    expect([first.status, first.text]).toEqual([200, '{"session":"session"}'])
    expect(first.setCookies).toHaveLength(1)
    expect(calls).toEqual(['create'])
    const again = await askAs(cookiesOf(first.setCookies), server, '/')
    expect([again.text, app.errors]).toEqual(['{"session":"session"}', []])
  })

  it('make one session under two names, with two properties', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const same: boolean[] = []
    const app = makeApp(
      [
        [manager, {}],
        [manager, { property: 'visit' }],
      ],
      async ({ session, visit }) => {
        same.push(session !== undefined && session === visit)
        await session?.set('of', 1)
        return ''
      },
    )
    const first = await ask(await serve(app), '/')
    expect([same, first.setCookies.length, calls]).toEqual([[true], 1, ['create']])
  })

  it.each<[what: string, HttpSessionOptions]>([
    ['another manager', {}],
    ['another cookie', { name: 'other' }],
    ['other options', { saveOnError: false }],
    ['other attributes', { cookie: { sameSite: 'strict' } }],
  ])('are refused for %s under one property, and nothing is stored', async (what, options) => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    const other = what === 'another manager' ? new Manager({ storage }) : manager
    const app = makeApp([
      [manager, {}],
      [other, options],
    ])
    const server = await serve(app)
    for (let count = 1; count <= 2; count++) {
      const { status, setCookies } = await ask(server, '/set')
      expect([status, setCookies]).toEqual([500, []])
    }
    expect(calls).toEqual([])
    expect(app.errors).toHaveLength(2)
    for (const error of app.errors) {
      expect(error).toMatchObject({ name: 'SessionError', code: 'ERR_OPTION' })
      expect(String(error)).toContain('`property`')
    }
  })

  it.each<[option: string, HttpSessionOptions, HttpSessionOptions]>([
    ['name', {}, { property: 'adminSession' }],
    ['name', { name: 'a' }, { property: 'adminSession', name: 'a', cookie: { path: '/admin' } }],
    ['header', { header: 'X-S' }, { ...ADMIN, header: 'x-s' }],
  ])('are refused for one `%s` of two managers', async (option, outer, inner) => {
    const app = makeApp([
      [newManager(), outer],
      [newManager(), inner],
    ])
    const { status, setCookies } = await ask(await serve(app), '/set')
    expect([status, setCookies]).toEqual([500, []])
    expect(app.errors).toEqual([expect.objectContaining({ code: 'ERR_OPTION' })])
    expect(String(app.errors[0])).toContain(`\`${option}\``)
  })

  it('make two sessions with two properties, managers and cookies', async () => {
    const counted = [countCalls(), countCalls()] as const
    const app = makeApp([
      [new Manager({ storage: counted[0].storage }), {}],
      [new Manager({ storage: counted[1].storage }), ADMIN],
    ])
    const server = await serve(app)
    const first = await ask(server, '/set')
    expect(app.errors).toEqual([])
    expect(first.text).toBe('{"session":"session","adminSession":"adminSession"}')
    expect(first.setCookies.map(line => line.split('=', 1)[0]).sort()).toEqual(['admin', 'sid'])
    expect(counted.map(({ calls }) => calls)).toEqual([['create'], ['create']])
    const again = await askAs(cookiesOf(first.setCookies), server, '/')
    expect(again.text).toBe(first.text)
    const [admin = ''] = first.setCookies.filter(line => line.startsWith('admin='))
    const alone = await askAs(cookiesOf([admin]), server, '/')
    expect(alone.text).toBe('{"session":"nobody","adminSession":"adminSession"}')
  })

  it('are found by currentSession, each by its property', async () => {
    const app = makeApp(
      [
        [newManager(), { asyncContext: true }],
        [newManager(), { ...ADMIN, asyncContext: true }],
      ],
      async ({ session, adminSession }) => {
        await new Promise(resolve => setImmediate(resolve))
        const found = [
          currentSession() === session,
          currentSession('session') === session,
          currentSession('adminSession') === adminSession,
        ]
        expect(() => currentSession('other')).toThrow(/`other`.+`asyncContext`/)
        return String(found)
      },
    )
    const { text } = await ask(await serve(app), '/')
    expect(text).toBe('true,true,true')
  })
})
