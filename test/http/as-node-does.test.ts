import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager } from 'gsession'
import { describe, expect, it } from 'vitest'
import { textOf } from '../helpers/http-raw.ts'
import { type Handler, listen, serve, type TestServer } from '../helpers/http-servers.ts'
import { delayWrites } from '../helpers/http-storage.ts'

type Kind = 'http' | 'h2c'
/** What the application noticed: what it was answered, thrown and called back with. */
type Noticed = unknown[]
type Way = (response: ServerResponse, noticed: Noticed) => unknown

/** What was sent and noticed. */
interface Outcome {
  readonly sent: unknown
  readonly noticed: Noticed
}

/** What a call threw. */
function thrownBy(call: () => unknown): unknown {
  try {
    call()
    return 'nothing'
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { code, message }
  }
}

const codeOf = (error?: Error | null): unknown => (error as NodeJS.ErrnoException | null)?.code

/** Ways to answer that are refused, or of which little is seen: they end as they do without us. */
const ODD: Readonly<Record<string, Way>> = {
  'end twice': response => {
    response.end('one')
    response.end()
  },
  'end twice, with callbacks': (response, noticed) => {
    response.end('one', () => noticed.push('first'))
    response.end((error?: Error | null) => noticed.push('second', codeOf(error)))
  },
  'end twice, with data': response => {
    response.end('one')
    response.end('two')
  },
  'end twice, with data and a callback': (response, noticed) => {
    response.end('one')
    response.end('two', (error?: Error | null) => noticed.push('second', codeOf(error)))
  },
  'writeHead twice': (response, noticed) => {
    response.writeHead(201)
    noticed.push(thrownBy(() => response.writeHead(500)))
    response.end('one')
  },
  'a head that is changed after writeHead': (response, noticed) => {
    response.setHeader('x-early', 'yes')
    response.writeHead(201)
    noticed.push(
      thrownBy(() => response.setHeader('x-early', 'no')),
      thrownBy(() => response.appendHeader('x-late', 'yes')),
      thrownBy(() => response.removeHeader('x-early')),
    )
    response.end('one')
  },
  'a head that is changed after end': (response, noticed) => {
    response.end('one')
    noticed.push(thrownBy(() => response.setHeader('content-length', 6)))
  },
  'writeHead after write': (response, noticed) => {
    response.write('one')
    noticed.push(thrownBy(() => response.writeHead(500)))
    response.end()
  },
  'writeHead after end': (response, noticed) => {
    response.end('one')
    noticed.push(thrownBy(() => response.writeHead(500)))
  },
  'writeHead with a header that is none': (response, noticed) => {
    noticed.push(thrownBy(() => response.writeHead(200, { 'X-Own': 'a\nb' })))
    response.end('one')
  },
  'flushHeaders twice': response => {
    response.flushHeaders()
    response.flushHeaders()
    response.end('one')
  },
  'a status that is set after writeHead': (response, noticed) => {
    response.writeHead(201)
    response.statusCode = 500
    response.end('one')
    noticed.push(response.statusCode)
  },
  'cork and uncork': (response, noticed) => {
    response.cork()
    response.write('one,')
    response.write('two,')
    noticed.push(response.writableCorked)
    response.uncork()
    noticed.push(response.writableCorked)
    response.end('three')
  },
  'cork, and uncork when the session is saved': async response => {
    response.cork()
    response.write('one,')
    await wait(2 * DELAY)
    response.write('two,')
    response.uncork()
    response.end('three')
  },
  'cork alone': response => {
    response.cork()
    response.write('one,')
    response.end('two')
  },
  'trailers behind a body in parts': response => {
    response.setHeader('Trailer', 'X-Sum')
    response.write('one')
    response.addTrailers({ 'X-Sum': '42' })
    response.end('two')
  },
  'trailers before the body': response => {
    response.setHeader('Trailer', 'X-Sum')
    response.addTrailers({ 'X-Sum': '42' })
    response.end('one')
  },
  'HEAD with a body': response => response.end('one'),
  'HEAD with a body in parts': response => {
    response.write('one')
    response.end('two')
  },
  'HEAD with a length': response => {
    response.setHeader('Content-Length', 3)
    response.end()
  },
  '204 with a body': response => response.writeHead(204).end('one'),
  'a write of nothing': response => {
    response.write('')
    response.end('one')
  },
}

const DELAY = 40

/** The same listener with a changed session, or without any. */
async function outcome(kind: Kind, name: string, hasSession: boolean, way: Way): Promise<Outcome> {
  const noticed: Noticed = []
  const answer = async (response: ServerResponse): Promise<void> => {
    response.on('error', error => noticed.push('error', codeOf(error)))
    response.on('finish', () => noticed.push('finish'))
    await way(response, noticed)
  }
  const withSession: Handler = async ({ session }, response) => {
    await session.set('user', 'ann')
    await answer(response)
  }
  const manager = new Manager({ storage: delayWrites(DELAY).storage })
  const server = hasSession
    ? await serve(kind, manager, withSession)
    : await listen(kind, async (_, response) => {
        await wait(0)
        await answer(response)
      })
  const method = name.startsWith('HEAD') ? 'HEAD' : 'GET'
  const sent = kind === 'http' ? await bytes(server, method) : await frames(server, method)
  await wait(0)
  return { sent, noticed }
}

/** All that comes over a socket, but for what the session and the time have to do with. */
async function bytes(server: TestServer, method: string): Promise<string> {
  const request = `${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  const text = await textOf(server, request)
  return text.replace(/^(?:set-cookie|vary|cache-control|date): .*\r\n/gim, '')
}

/** The same of a stream of HTTP/2. */
async function frames({ port }: TestServer, method: string): Promise<unknown[]> {
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  const stream = client.request({ ':path': '/', ':method': method })
  const seen: unknown[] = []
  const see = (headers: object): void => {
    const own = Object.entries(headers).filter(
      ([name]) => !['set-cookie', 'vary', 'cache-control', 'date'].includes(name),
    )
    seen.push(own)
  }
  for (const event of ['headers', 'response', 'trailers']) stream.on(event, see)
  stream.on('error', error => seen.push(error))
  let text = ''
  stream.on('data', chunk => {
    text += chunk
  })
  await once(stream, 'close')
  client.destroy()
  return [...seen, text]
}

describe.each(['http', 'h2c'] as const)(
  'a held response over %s ends as it would in node',
  kind => {
    it.each(Object.entries(ODD))('%s', async (name, way) => {
      const inNode = await outcome(kind, name, false, way)

      expect(inNode.noticed).toContain('finish')
      expect(await outcome(kind, name, true, way)).toEqual(inNode)
    })
  },
)

it('a HEAD request that begins a session gets its cookie, and nothing of the body', async () => {
  const manager = new Manager({ storage: delayWrites(DELAY).storage })
  const server = await serve('http', manager, async ({ session }, response) => {
    await session.set('user', 'ann')
    response.writeHead(200, { 'Content-Length': 4 }).end('four')
  })
  const request = 'HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const text = await textOf(server, request)

  expect(text).toMatch(/^set-cookie: sid=[\w-]{43};/im)
  expect(text).toMatch(/^content-length: 4\r$/im)
  expect(text).toMatch(/\r\n\r\n$/)
})
