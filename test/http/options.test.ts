import { Manager, newSessionId, SessionError, StorageMemory } from 'gsession'
import { type CookieOptions, type NodeSessionOptions, session } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { type Answer, ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookie } from '../helpers/http-cookies.ts'
import { type Handler, type Kind, serve } from '../helpers/http-servers.ts'

const memory = (): Manager => new Manager({ storage: new StorageMemory() })

/** `/set?key=value` sets; every request answers the data. */
const handler: Handler = async ({ url = '/', session }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname === '/set') await session.setMap(Object.fromEntries(searchParams))
  if (pathname === '/del') await session.removeAll()
  if (pathname === '/new-id') await session.regenerateId()
  response.end(JSON.stringify(await session.data()))
}

const start = (options: NodeSessionOptions = {}, kind: Kind = 'http', manager = memory()) =>
  serve(kind, manager, handler, options)

function refusalOf(options: object): SessionError {
  try {
    session(memory(), options)
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error(`These options were not refused: ${JSON.stringify(options)}`)
}

describe('combinations that browsers refuse are refused at construction', () => {
  const REFUSED: Readonly<Record<string, [option: string, options: object]>> = {
    '__Host- with a domain': ['name', { name: '__Host-s', cookie: { domain: 'a.example' } }],
    '__Host- with a path': ['name', { name: '__Host-s', cookie: { path: '/app' } }],
    '__Host- without Secure': ['name', { name: '__Host-s', cookie: { secure: false } }],
    '__HoSt- without Secure': ['name', { name: '__HoSt-s', cookie: { secure: false } }],
    '__host- with a domain': ['name', { name: '__host-s', cookie: { domain: 'a.example' } }],
    '__HOST- with a path': ['name', { name: '__HOST-s', cookie: { path: '/app' } }],
    '__Secure- without Secure': ['name', { name: '__Secure-s', cookie: { secure: false } }],
    '__sEcUrE- without Secure': ['name', { name: '__sEcUrE-s', cookie: { secure: false } }],
    '__Http- without Secure': ['name', { name: '__Http-s', cookie: { secure: false } }],
    '__Http- without HttpOnly': ['name', { name: '__Http-s', cookie: { httpOnly: false } }],
    '__hTTp- without HttpOnly': ['name', { name: '__hTTp-s', cookie: { httpOnly: false } }],
    '__Host-Http- without Secure': ['name', { name: '__Host-Http-s', cookie: { secure: false } }],
    '__Host-Http- with a domain': [
      'name',
      { name: '__Host-Http-s', cookie: { domain: 'a.example' } },
    ],
    '__Host-Http- with a path': ['name', { name: '__Host-Http-s', cookie: { path: '/app' } }],
    '__Host-Http- without HttpOnly': [
      'name',
      { name: '__Host-Http-s', cookie: { httpOnly: false } },
    ],
    '__HOST-http- without HttpOnly': [
      'name',
      { name: '__HOST-http-s', cookie: { httpOnly: false } },
    ],
    'SameSite=None without Secure': [
      'cookie.secure',
      { cookie: { sameSite: 'none', secure: false } },
    ],
    'Partitioned without Secure': [
      'cookie.secure',
      { cookie: { partitioned: true, secure: false } },
    ],
    'no cookie and no header': ['header', { cookie: false }],
    'a name for no cookie': ['name', { name: 'sid', cookie: false, header: 'sid' }],
  }
  it.each(Object.entries(REFUSED))('%s', (_, [option, options]) => {
    const error = refusalOf(options)

    expect(error.code).toBe('ERR_OPTION')
    expect(error.message).toMatch(new RegExp(`^Expected \`${option}\` to be .+, got .+`))
  })
})

describe('values that would break the header are refused at construction', () => {
  const BAD_TEXTS = ['a\r\nSet-Cookie: b=c', 'a\nb', 'a\rb', 'a;b', 'a\0b', 'a\tb', 'ä', 'a\u007f']
  const REFUSED: [option: string, options: object][] = [
    ...BAD_TEXTS.flatMap((text): [string, object][] => [
      ['name', { name: text }],
      ['header', { header: text }],
      ['cookie.path', { cookie: { path: `/${text}` } }],
      ['cookie.domain', { cookie: { domain: text } }],
    ]),
    ...['', 'a b', 'a=b', 'a,b', '"a"', 'a/b', 'a'.repeat(257)].map((name): [string, object] => [
      'name',
      { name },
    ]),
    ...['', 'app', ' /', `/${'a'.repeat(1024)}`].map((path): [string, object] => [
      'cookie.path',
      { cookie: { path } },
    ]),
    ...[
      '',
      '.',
      'a..b',
      '-a.example',
      'a b',
      'a/b',
      'https://a.example',
      'a:80',
      'a'.repeat(64),
    ].map((domain): [string, object] => ['cookie.domain', { cookie: { domain } }]),
  ]
  it.each(REFUSED)('%s: %j', (option, options) => {
    const error = refusalOf(options)

    expect(error.code).toBe('ERR_OPTION')
    expect(error.message).toContain(`\`${option}\``)
  })
})

describe('values of the wrong kind are refused at construction', () => {
  const REFUSED: [option: string, options: object][] = [
    ['name', { name: 7 }],
    ['header', { header: true }],
    ['header', { header: 7 }],
    ['trustProxy', { trustProxy: 'yes' }],
    ['trustProxy', { trustProxy: 1 }],
    ['saveOnError', { saveOnError: 'no' }],
    ['onError', { onError: true }],
    ['cookie', { cookie: true }],
    ['cookie', { cookie: null }],
    ['cookie', { cookie: 'sid' }],
    ['cookie.path', { cookie: { path: true } }],
    ['cookie.domain', { cookie: { domain: 7 } }],
    ['cookie.secure', { cookie: { secure: 'yes' } }],
    ['cookie.httpOnly', { cookie: { httpOnly: 'yes' } }],
    ['cookie.partitioned', { cookie: { partitioned: 1 } }],
    ['cookie.sameSite', { cookie: { sameSite: 'Lax' } }],
    ['cookie.sameSite', { cookie: { sameSite: true } }],
    ['cookie.priority', { cookie: { priority: 'urgent' } }],
    ['cookie.maxAge', { cookie: { maxAge: -1 } }],
    ['cookie.maxAge', { cookie: { maxAge: 1.5 } }],
    ['cookie.maxAge', { cookie: { maxAge: '24' } }],
    ['cookie.maxAge', { cookie: { maxAge: Number.POSITIVE_INFINITY } }],
  ]
  it.each(REFUSED)('%s: %j', (option, options) => {
    const error = refusalOf(options)

    expect(error.code).toBe('ERR_OPTION')
    expect(error.message).toContain(`\`${option}\``)
  })

  it.each<[place: string, options: object]>([
    ['nmae', { nmae: 'sid' }],
    ['cookie.sameSit', { cookie: { sameSit: 'lax' } }],
    ['cookie.maxage', { cookie: { maxage: 1 } }],
  ])('an option that there is not: %s of %j', (place, options) => {
    const { code, message } = refusalOf(options)
    const known = place.startsWith('cookie') ? 'maxAge, path, domain, ' : 'name, cookie, header, '

    expect(code).toBe('ERR_OPTION')
    expect(message).toContain(`Unknown option \`${place}\`: expected one of ${known}`)
  })
})

it.each<NodeSessionOptions>([
  {},
  { name: '__Host-s' },
  { name: '__Host-Http-s' },
  { name: '__Http-s', cookie: { domain: 'a.example', path: '/app', secure: true } },
  { name: '__Secure-s', cookie: { domain: 'a.example', path: '/app' } },
  { name: 's', cookie: { secure: true, sameSite: 'none', partitioned: true } },
  { cookie: { sameSite: 'none' } },
  { cookie: { maxAge: '7d', priority: 'high', domain: '.A-b.example', path: '/a b/c' } },
  { cookie: false, header: 'X-Session' },
  { name: 'a'.repeat(256), header: 'x', trustProxy: true, saveOnError: false, onError() {} },
])('%j is taken', options => {
  expect(() => session(memory(), options)).not.toThrow()
})

/** Everything that a session tells a new visitor, with what differs each time made the same. */
function told({ headers, setCookies }: Answer): object {
  const lines = setCookies.map(line =>
    line.replace(/=[\w-]{43};/, '=<id>;').replace(/Expires=[^;]+/, 'Expires=<time>'),
  )
  return { cookies: lines, control: headers['cache-control'], vary: headers['vary'] }
}

describe('what a new visitor is told', () => {
  const cases: [string, Kind, NodeSessionOptions, Record<string, string>, string][] = [
    [
      'http',
      'http',
      {},
      {},
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; SameSite=Lax',
    ],
    [
      'https',
      'https',
      {},
      {},
      '__Host-Http-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'https with a domain',
      'https',
      { cookie: { domain: '.a.example' } },
      {},
      '__Secure-sid=<id>; Path=/; Domain=a.example; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'https with a path',
      'https',
      { cookie: { path: '/app' } },
      {},
      '__Secure-sid=<id>; Path=/app; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'http behind a trusted proxy with TLS',
      'http',
      { trustProxy: true },
      { 'X-Forwarded-Proto': 'https' },
      '__Host-Http-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'http behind two proxies',
      'http',
      { trustProxy: true },
      { 'X-Forwarded-Proto': 'HTTPS , http' },
      '__Host-Http-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'http behind a trusted proxy without TLS',
      'http',
      { trustProxy: true },
      { 'X-Forwarded-Proto': 'http' },
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; SameSite=Lax',
    ],
    [
      'http with a proxy header that nobody trusts',
      'http',
      {},
      { 'X-Forwarded-Proto': 'https', Forwarded: 'proto=https' },
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; SameSite=Lax',
    ],
    [
      'https to us, but http to the proxy',
      'https',
      { trustProxy: true },
      { 'X-Forwarded-Proto': 'http' },
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; SameSite=Lax',
    ],
    [
      'http, secure in any case',
      'http',
      { cookie: { secure: true } },
      {},
      '__Host-Http-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'https, secure in no case',
      'https',
      { cookie: { secure: false } },
      {},
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; SameSite=Lax',
    ],
    [
      'https, open to scripts',
      'https',
      { cookie: { httpOnly: false } },
      {},
      '__Host-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; Secure; SameSite=Lax',
    ],
    [
      'http, for other sites: browsers take it from localhost if it is Secure',
      'http',
      { cookie: { sameSite: 'none' } },
      {},
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=None',
    ],
    [
      'http, partitioned',
      'http',
      { cookie: { partitioned: true } },
      {},
      'sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax; Partitioned',
    ],
    [
      'https, for other sites',
      'https',
      { cookie: { sameSite: 'none' } },
      {},
      '__Host-Http-sid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=None',
    ],
    [
      'a name of your own',
      'https',
      { name: 'mysid' },
      {},
      'mysid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'a prefixed name over http',
      'http',
      { name: '__Host-mysid' },
      {},
      '__Host-mysid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'a name over http that asks for HttpOnly too',
      'http',
      { name: '__Host-Http-mysid' },
      {},
      '__Host-Http-mysid=<id>; Path=/; Expires=<time>; Max-Age=86400; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'until the browser is closed (row 30)',
      'http',
      { cookie: { maxAge: 0 } },
      {},
      'sid=<id>; Path=/; HttpOnly; SameSite=Lax',
    ],
    [
      'every attribute',
      'https',
      {
        name: 'mysid',
        cookie: {
          maxAge: '1h',
          path: '/app',
          domain: 'a.example',
          secure: true,
          httpOnly: true,
          sameSite: 'none',
          partitioned: true,
          priority: 'high',
        },
      },
      {},
      'mysid=<id>; Path=/app; Domain=a.example; Expires=<time>; Max-Age=3600; HttpOnly; Secure; SameSite=None; Priority=High; Partitioned',
    ],
    [
      'no protection',
      'http',
      { cookie: { httpOnly: false, sameSite: false, secure: false, maxAge: 0 } },
      {},
      'sid=<id>; Path=/',
    ],
  ]
  it.each(cases)('%s', async (_, kind, options, headers, cookie) => {
    const answer = await ask(await start(options, kind), '/set?user=ann', { headers })

    expect(told(answer)).toEqual({ cookies: [cookie], control: 'no-store', vary: 'Cookie' })
  })

  it.each<[CookieOptions['maxAge'], number]>([
    [undefined, 3_600_000],
    ['10m', 600_000],
    [5000, 5000],
  ])('a cookie with maxAge %j lives for %d ms', async (maxAge, life) => {
    const manager = new Manager({ storage: new StorageMemory(), ttl: '1h' })
    const server = await start(maxAge === undefined ? {} : { cookie: { maxAge } }, 'http', manager)
    const before = Date.now()
    const { expires } = sessionCookie(await ask(server, '/set?user=ann'))

    // Rounded up to a whole second: the cookie does not end before its session.
    expect(expires?.getTime()).toBeGreaterThanOrEqual(before + life)
    expect(expires?.getTime()).toBeLessThan(Date.now() + life + 1000)
  })
})

it('takes an id from the cookie of this connection only, not from the one of the other kind', async () => {
  const server = await start({ trustProxy: true })
  const headers = { 'X-Forwarded-Proto': 'https' }
  const plain = cookieFrom(await ask(server, '/set?user=ann'))
  const secure = cookieFrom(await ask(server, '/set?user=bob', { headers }))

  expect((await askAs(plain, server, '/get', { headers })).text).toBe('{}')
  expect((await askAs(secure, server, '/get')).text).toBe('{}')
  expect((await askAs(`${plain}; ${secure}`, server, '/get', { headers })).text).toBe(
    '{"user":"bob"}',
  )
  expect((await askAs(`${secure}; ${plain}`, server, '/get')).text).toBe('{"user":"ann"}')
})

it('takes an id from nowhere but the cookie unless a header is asked for', async () => {
  const server = await start()
  const { value } = sessionCookie(await ask(server, '/set?user=ann'))
  const headers = { sid: value, 'x-session': value, authorization: `Bearer ${value}` }

  expect((await ask(server, `/get?sid=${value}`, { headers })).text).toBe('{}')
})

describe('with a header beside the cookie', () => {
  const options: NodeSessionOptions = { header: 'X-Session' }

  it('knows a header in any letter case, and answers it without a cookie (row 7)', async () => {
    const server = await start(options)
    const { value: id } = sessionCookie(await ask(server, '/set?user=ann'))

    for (const name of ['X-Session', 'x-session', 'X-SESSION']) {
      const answer = await ask(server, `/set?last=${name}`, { headers: { [name]: id } })
      expect(JSON.parse(answer.text)).toEqual({ user: 'ann', last: name })
      expect(answer.setCookies).toEqual([])
      expect(answer.headers).not.toHaveProperty('x-session')
    }
  })

  it('prefers the cookie to the header (row 5), unless it has no id (row 6)', async () => {
    const server = await start(options)
    const a = cookieFrom(await ask(server, '/set?who=a'))
    const { value: b } = sessionCookie(await ask(server, '/set?who=b'))
    const headers = { 'X-Session': b }

    expect((await askAs(a, server, '/get', { headers })).text).toBe('{"who":"a"}')
    expect((await askAs('sid=', server, '/get', { headers })).text).toBe('{"who":"b"}')
    expect((await askAs('sid=../etc', server, '/get', { headers })).text).toBe('{"who":"b"}')
    expect((await askAs('other=1', server, '/get', { headers })).text).toBe('{"who":"b"}')
  })

  it('answers a new id in the header to a request that sent one, even empty or unknown', async () => {
    const server = await start(options)
    for (const sent of ['', newSessionId(), '../etc/passwd']) {
      const headers = { 'X-Session': sent }
      const answer = await ask(server, '/set?user=ann', { headers })
      const id = answer.headers['x-session'] ?? ''

      expect(id).toMatch(/^[\w-]{43}$/)
      expect(id).not.toBe(sent)
      expect(answer.setCookies).toEqual([])
      const again = await ask(server, '/get', { headers: { 'X-Session': id } })
      expect(again.text).toBe('{"user":"ann"}')
    }
  })

  it('tells a header client its regenerated id', async () => {
    const server = await start(options)
    const first = await ask(server, '/set?user=ann', { headers: { 'X-Session': '' } })
    const old = first.headers['x-session'] ?? ''
    const { headers, setCookies } = await ask(server, '/new-id', { headers: { 'X-Session': old } })
    const id = headers['x-session'] ?? ''

    expect([id === old, setCookies]).toEqual([false, []])
    expect((await ask(server, '/get', { headers: { 'X-Session': old } })).text).toBe('{}')
    expect((await ask(server, '/get', { headers: { 'X-Session': id } })).text).toBe(
      '{"user":"ann"}',
    )
  })
})

describe('with cookie: false (row 29, SessionCookieOutput)', () => {
  it('never sets a cookie nor reads one; the header carries the id there and back', async () => {
    const server = await start({ cookie: false, header: 'X-Session' })
    const answer = await ask(server, '/set?user=ann')
    const id = answer.headers['x-session'] ?? ''

    expect(answer.setCookies).toEqual([])
    expect(answer.headers['vary']).toBe('x-session')
    expect((await ask(server, '/get', { headers: { 'x-session': id } })).text).toBe(
      '{"user":"ann"}',
    )
    for (const name of ['sid', '__Host-Http-sid', 'X-Session']) {
      expect((await askAs(`${name}=${id}`, server, '/get')).text).toBe('{}')
    }
    const removed = await ask(server, '/del', { headers: { 'x-session': id } })
    expect(removed.setCookies).toEqual([])
    expect((await ask(server, '/get', { headers: { 'x-session': id } })).text).toBe('{}')
  })

  it('keeps the id that it tells from caches, as it does with a cookie', async () => {
    const server = await start({ cookie: false, header: 'X-Session' })

    expect((await ask(server, '/set?user=ann')).headers['cache-control']).toBe('no-store')
  })
})
