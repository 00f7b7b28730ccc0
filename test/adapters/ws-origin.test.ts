import { describe, expect, it, vi } from 'vitest'
import { askRaw } from '../helpers/http-raw.ts'
import { type LabOptions, logIn, openLab, refusal } from './ws-lab.ts'

const HOST = 'app.example'

/** What a client with this origin gets: 101 is a connection. */
async function statusOf(
  options: LabOptions,
  origin: string | undefined,
  headers: Record<string, string> = {},
): Promise<number> {
  const lab = await openLab(options)
  return refusal(lab, {
    headers: { host: HOST, ...headers, ...(origin === undefined ? {} : { origin }) },
  })
}

describe('without `origins`, a page may connect to the host that it came from', () => {
  it.each([
    ['http', 'http://app.example', {}, 101],
    ['http', 'http://app.example:3000', { host: 'app.example:3000' }, 101],
    ['http', 'http://app.example', { host: 'APP.example:80' }, 101],
    ['http', 'http://[::1]:3000', { host: '[::1]:3000' }, 101],
    ['http', 'https://app.example', {}, 403],
    ['http', 'http://app.example:3000', {}, 403],
    ['http', 'http://evil.example', {}, 403],
    ['http', 'http://app.example.evil.example', {}, 403],
    ['http', 'http://sub.app.example', {}, 403],
    ['http', 'http://app.example/', {}, 403],
    ['http', 'null', {}, 403],
    ['http', 'undefined', { host: 'not a host' }, 403],
    ['http', '', {}, 403],
    ['https', 'https://app.example', {}, 101],
    ['https', 'http://app.example', {}, 403],
  ] as const)('over %s: %j, %o: %i', async (kind, origin, headers, status) => {
    expect(await statusOf({ kind }, origin, headers)).toBe(status)
  })

  it('and who sends no origin, since that is no browser', async () => {
    expect(await statusOf({}, undefined)).toBe(101)
  })

  it('but none that names several', async () => {
    const lab = await openLab()
    const upgrade = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    const origins = `Origin: http://${HOST}\r\nOrigin: http://evil.example\r\n`
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const [answer] = await askRaw(lab, `${upgrade}${origins}${key}\r\n`)
    expect(answer?.status).toBe(403)
    expect(answer?.body.toString()).toBe('Forbidden')
    expect(lab.requests).toEqual([])
  })
})

describe('behind a proxy that ends TLS', () => {
  const proxied = { 'x-forwarded-proto': 'https' }

  it('pages of https may connect if `trustProxy` is set, and only they', async () => {
    const http = { trustProxy: true }
    expect(await statusOf({ http }, 'https://app.example', proxied)).toBe(101)
    expect(await statusOf({ http }, 'http://app.example', proxied)).toBe(403)
    expect(await statusOf({ http }, 'http://app.example')).toBe(101)
  })

  it('pages of https may connect if the cookie is always secure, and only they', async () => {
    const http = { cookie: { secure: true } }
    expect(await statusOf({ http }, 'https://app.example')).toBe(101)
    expect(await statusOf({ http }, 'http://app.example')).toBe(403)
  })

  it('nobody is believed who says so without them', async () => {
    expect(await statusOf({}, 'https://app.example', proxied)).toBe(403)
  })
})

describe('`origins`', () => {
  const listed = [
    'https://www.example',
    'http://localhost:5173',
    'chrome-extension://abcdefghijklmnop',
    'capacitor://localhost',
  ]

  it.each(listed)('as a list lets in %s', async origin => {
    expect(await statusOf({ ws: { origins: listed } }, origin)).toBe(101)
  })

  it.each(['http://app.example', 'https://www.example:8443', 'http://www.example', 'null'])(
    'as a list refuses %s',
    async origin => {
      expect(await statusOf({ ws: { origins: listed } }, origin)).toBe(403)
    },
  )

  it('as a list lets in `null` if it is named, and who sends none', async () => {
    expect(await statusOf({ ws: { origins: ['null'] } }, 'null')).toBe(101)
    expect(await statusOf({ ws: { origins: [] } }, undefined)).toBe(101)
    expect(await statusOf({ ws: { origins: [] } }, 'http://app.example')).toBe(403)
  })

  it('as a function decides, and is asked with the request', async () => {
    const origins = vi.fn((origin: string) => origin.endsWith('.tenant.example'))
    expect(await statusOf({ ws: { origins } }, 'https://a.tenant.example')).toBe(101)
    expect(await statusOf({ ws: { origins } }, 'http://app.example')).toBe(403)
    const host = expect.objectContaining({ headers: expect.objectContaining({ host: HOST }) })
    expect(origins.mock.calls).toEqual([
      ['https://a.tenant.example', host],
      ['http://app.example', host],
    ])
  })

  it('as a function is not asked about who sends none', async () => {
    expect(await statusOf({ ws: { origins: () => false } }, undefined)).toBe(101)
  })

  it('as a function that answers with a promise lets nobody in', async () => {
    const origins = (async () => true) as never
    expect(await statusOf({ ws: { origins } }, 'http://app.example')).toBe(403)
  })

  it('as false lets everybody in', async () => {
    expect(await statusOf({ ws: { origins: false } }, 'https://evil.example')).toBe(101)
    expect(await statusOf({ ws: { origins: false } }, 'null')).toBe(101)
  })

  it('protects who is logged in', async () => {
    const lab = await openLab()
    const cookie = await logIn(lab)
    expect(await refusal(lab, { cookie, origin: 'https://evil.example' })).toBe(403)
    expect(lab.requests).toEqual([])
    expect(await refusal(lab, { cookie, origin: `http://localhost:${lab.port}` })).toBe(101)
  })
})
