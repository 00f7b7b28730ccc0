import Fastify from 'fastify'
import { Manager, StorageMemory } from 'gsession'
import { session as express } from 'gsession/express'
import fastify from 'gsession/fastify'
import { session as fetch } from 'gsession/fetch'
import { session as grpc } from 'gsession/grpc'
import { session as hono } from 'gsession/hono'
import { session as node } from 'gsession/http'
import { session as koa } from 'gsession/koa'
import { attachSession, session as ws } from 'gsession/ws'
import { describe, expect, it } from 'vitest'

const manager = new Manager({ storage: new StorageMemory() })
const engine = { use: () => undefined, on: () => undefined }

/** What each adapter is made by, called as JavaScript may call it. */
const MAKERS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  express: express as () => unknown,
  koa: koa as () => unknown,
  hono: hono as () => unknown,
  http: node as () => unknown,
  fetch: fetch as () => unknown,
  ws: ws as () => unknown,
  'socket.io': (...args) => attachSession(engine, ...(args as [Manager, object])),
  grpc: grpc as () => unknown,
}

const SECRET = 'keyboard-cat-9000'

/** Options of other packages, and what the message names in their place. */
const FOREIGN: Readonly<Record<string, RegExp>> = {
  secret: /leave it out/,
  secrets: /leave it out/,
  password: /leave it out.*`encryption`/,
  store: /`storage` of the Manager/,
  storage: /`storage` of the Manager/,
  resave: /leave it out/,
  saveUninitialized: /leave it out/,
  rolling: /leave it out/,
  maxAge: /`ttl` of the Manager/,
  ttl: /`ttl` of the Manager/,
  cookieName: /`name`/,
  cookieOptions: /`cookie`/,
  genid: /setIdFunc/,
  httpOnly: /cookie: \{/,
  manager: /first argument/,
}

function refusalOf(make: () => unknown): Error & { code?: string } {
  try {
    make()
  } catch (error) {
    return error as Error
  }
  throw new Error('This was not refused')
}

describe.each(Object.entries(MAKERS))('%s refuses at construction', (_, make) => {
  it.each([
    ['nothing', []],
    ['null', [null]],
    ['a text', [SECRET]],
    ['a class', [Manager]],
    ['options alone', [{ name: SECRET }]],
    ['a storage', [new StorageMemory()]],
  ])('%s in place of a manager', (_, args) => {
    const { code, message } = refusalOf(() => make(...args))
    expect(code).toBe('ERR_OPTION')
    expect(message).toMatch(/^Expected `manager` to be a Manager, got .+: write .+manager/)
    expect(message).not.toContain(SECRET)
  })

  it.each([[{ secret: SECRET }], [{ manager }], [{ store: { password: SECRET } }]])(
    'options of other packages in place of a manager, with what to write instead',
    options => {
      const { code, message } = refusalOf(() => make(options))
      expect(code).toBe('ERR_OPTION')
      expect(message).toContain(`\`${Object.keys(options)[0]}\`: `)
      expect(message).not.toContain(SECRET)
    },
  )

  it.each([[null], [SECRET], [[]], [7]])('%j in place of options', options => {
    const { code, message } = refusalOf(() => make(manager, options))
    expect(code).toBe('ERR_OPTION')
    expect(message).toMatch(/^Expected `options` to be an object, got /)
    expect(message).not.toContain(SECRET)
  })

  it.each(Object.entries(FOREIGN))('`%s`, and names the right one', (name, advice) => {
    const { code, message } = refusalOf(() => make(manager, { [name]: SECRET }))
    expect(code).toBe('ERR_OPTION')
    expect(message).toMatch(new RegExp(`^Unknown option \`${name}\`: `))
    expect(message).toMatch(advice)
    expect(message).not.toContain(SECRET)
  })

  it.each(['constructor', 'toString', '__proto__'])('`%s`, as any unknown name', name => {
    const options = JSON.parse(`{ "${name}": true }`)
    expect(refusalOf(() => make(manager, options)).message).toMatch(/: expected one of /)
  })
})

describe('fastify refuses at construction', () => {
  const register = (options: object) =>
    Fastify()
      .register(fastify, options as never)
      .ready()

  it.each([[{}], [manager], [{ manager: null }], [{ manager: { secret: SECRET } }]])(
    'what is no manager',
    async options => {
      const error = await register(options).then(
        () => undefined,
        refusal => refusal,
      )
      expect(error).toMatchObject({ code: 'ERR_OPTION' })
      expect(error.message).toMatch(/^Expected `manager` to be a Manager.+app\.register\(session/)
      expect(error.message).not.toContain(SECRET)
    },
  )

  it.each(Object.entries(FOREIGN).filter(([name]) => name !== 'manager'))(
    '`%s`, and names the right one',
    async (name, advice) => {
      const error = await register({ manager, [name]: SECRET }).then(
        () => undefined,
        refusal => refusal,
      )
      expect(error).toMatchObject({ code: 'ERR_OPTION' })
      expect(error.message).toMatch(advice)
      expect(error.message).not.toContain(SECRET)
    },
  )

  it.each([[[]], [[manager]], [[{ secret: SECRET }]], [[{ manager }]]])(
    'a call as the other adapters are called, at once',
    args => {
      const call = fastify as unknown as (...args: unknown[]) => unknown
      const { code, message } = refusalOf(() => call(...args))
      expect(code).toBe('ERR_OPTION')
      expect(message).toContain('app.register(session, { manager })')
      expect(message).not.toContain(SECRET)
    },
  )
})

it('names what belongs beside the attributes of the cookie', () => {
  const refused = (cookie: object) => refusalOf(() => node(manager, { cookie })).message
  expect(refused({ name: 'a' })).toBe('Unknown option `cookie.name`: write `name` beside `cookie`')
  expect(refused({ expires: 1 })).toBe('Unknown option `cookie.expires`: write `maxAge`')
  expect(refused({ signed: true })).toMatch(/leave it out/)
})
