import { createServer, ServerResponse } from 'node:http'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/http'
import { describe, expect, it } from 'vitest'
import { textOf } from '../helpers/http-raw.ts'
import { type Handler, listen, listenOn, serve, type TestServer } from '../helpers/http-servers.ts'

type Way = (response: ServerResponse) => unknown

/** Heads that are written in one call, in the forms that Node takes. */
const HEADS: Readonly<Record<string, Way>> = {
  'a status alone': response => response.writeHead(201).end('one'),
  'a message alone': response => response.writeHead(201, 'Made').end('one'),
  'an object': response => response.writeHead(200, { 'X-Own': 'a', 'x-count': 3 }).end('one'),
  'a message and an object': response =>
    response.writeHead(201, 'Made', { 'Content-Length': '3' }).end('one'),
  'an object without a message': response =>
    response.writeHead(201, undefined, { 'X-Own': 'a' }).end('one'),
  'an object with several lines of a name': response =>
    response.writeHead(200, { 'X-Own': ['a', 'b'], Link: ['<a>', '<b>'] }).end('one'),
  'a list': response =>
    response.writeHead(200, ['X-Own', 'a', 'X-Own', 'b', 'x-c', 'd']).end('one'),
  'a list with several lines of a name': response =>
    response.writeHead(200, ['X-Own', ['a', 'b']]).end('one'),
  'an empty list': response => response.writeHead(200, []).end('one'),
  'chunks as told': response =>
    response.writeHead(200, { 'Transfer-Encoding': 'chunked' }).end('one'),
  'a connection that closes': response =>
    response.writeHead(200, { Connection: 'close' }).end('one'),
  'a header set before it': response => {
    response.setHeader('X-Own', 'early')
    response.writeHead(200, { 'x-own': 'late', 'X-Other': 'a' }).end('one')
  },
  'a body without a length': response => {
    response.writeHead(200, { 'X-Own': 'a' })
    response.write('one')
    response.end('two')
  },
  'no body': response => response.writeHead(204, { 'X-Own': 'a' }).end(),
}

async function bytes(server: TestServer): Promise<string> {
  const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const text = await textOf(server, request)
  return text.replace(/^date: .*\r\n/im, '')
}

const newManager = (): Manager => new Manager({ storage: new StorageMemory() })

/** What a session that was read, and has nothing to save, adds to the answer. */
const answer = async (handler: Handler): Promise<string> =>
  bytes(
    await serve('http', newManager(), async (request, response) => {
      await request.session.get('user')
      return handler(request, response)
    }),
  )

const linesOf = (text: string, name: string): string[] =>
  text
    .split('\r\n')
    .filter(line => line.toLowerCase().startsWith(`${name.toLowerCase()}: `))
    .map(line => line.slice(name.length + 2))

describe('a head in one call is what it is without a session, but for the session’s lines', () => {
  it.each(Object.entries(HEADS))('%s', async (_name, way) => {
    const inNode = await bytes(await listen('http', (_, response) => way(response)))
    const text = await answer((_, response) => way(response))

    expect(linesOf(text, 'Vary')).toEqual(['Cookie'])
    expect(text.replace('Vary: Cookie\r\n', '')).toBe(inNode)
  })
})

describe('a head in one call keeps what it says itself', () => {
  it.each([
    ['in another case', { vary: 'Accept' }, 'Accept, Cookie'],
    ['twice', ['Vary', 'Accept', 'vary', 'Origin'], 'Accept, Origin, Cookie'],
    ['in several lines', { Vary: ['Accept', 'Origin'] }, 'Accept, Origin, Cookie'],
    ['with the cookie', { vary: 'accept, cookie' }, 'accept, cookie'],
    ['of everything', { VARY: '*' }, '*'],
    ['of nothing', { Vary: '' }, 'Cookie'],
  ])('Vary, %s', async (_name, headers, expected) => {
    const text = await answer((_, response) => response.writeHead(200, headers as []).end('one'))

    expect(linesOf(text, 'Vary')).toEqual([expected])
  })

  it.each([
    ['in an object', { 'set-cookie': ['a=1', 'b=2'], 'cache-control': 'private' }],
    ['in a list', ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'cache-control', 'private']],
  ])('cookies and Cache-Control, %s', async (_name, headers) => {
    const text = await answer(async ({ session }, response) => {
      await session.update('visits', () => 1)
      response.writeHead(200, headers as []).end('one')
    })

    expect(linesOf(text, 'Set-Cookie')).toEqual([
      'a=1',
      'b=2',
      expect.stringMatching(/^sid=[\w-]{43};/),
    ])
    expect(linesOf(text, 'Cache-Control')).toEqual(['private'])
  })
})

it('headers handed over in one call are left as they are, so that they may be handed over again', async () => {
  const object = Object.freeze({ Vary: 'Accept', 'Set-Cookie': Object.freeze(['a=1']) })
  const list = Object.freeze(['Vary', 'Accept', 'Set-Cookie', Object.freeze(['a=1'])])
  for (const headers of [object, list]) {
    const text = await answer(async ({ session }, response) => {
      await session.update('visits', () => 1)
      response.writeHead(200, headers as []).end('one')
    })

    expect(linesOf(text, 'Set-Cookie')).toHaveLength(2)
  }
  expect(object).toEqual({ Vary: 'Accept', 'Set-Cookie': ['a=1'] })
  expect(list).toEqual(['Vary', 'Accept', 'Set-Cookie', ['a=1']])
})

it.each([
  ['an object', { 'Set-Cookie': Object.freeze(['a=1']), 'X-Own': 'a' }, ['a=1']],
  ['a list', ['Set-Cookie', Object.freeze(['a=1']), 'set-cookie', 'b=2'], ['a=1', 'b=2']],
])(
  'in %s, headers stay what they are where another one was set and removed before',
  async (_name, headers, own) => {
    Object.freeze(headers)
    for (let visitor = 0; visitor < 3; visitor++) {
      const text = await answer(async ({ session }, response) => {
        await session.update('visits', () => 1)
        response.setHeader('X-Powered-By', 'somebody')
        response.removeHeader('X-Powered-By')
        response.writeHead(200, headers as []).end('one')
      })

      const sid = expect.stringMatching(/^sid=[\w-]{43};/)
      expect(linesOf(text, 'Set-Cookie')).toEqual([...own, sid])
    }
  },
)

it('a response of a class with a writeHead of its own gets the lines by setHeader', async () => {
  class OwnResponse extends ServerResponse {
    override writeHead(...args: unknown[]): this {
      const [status, ...rest] = args
      for (const [name, value] of Object.entries(Object(rest.at(-1)))) {
        this.setHeader(name, value as string)
      }
      return super.writeHead(Number(status))
    }
  }
  const withSession = session(newManager())(async (request, response) => {
    await request.session.get('user')
    response.writeHead(200, { 'X-Own': 'a' }).end('one')
  })
  const server = createServer({ ServerResponse: OwnResponse }, withSession)
  const text = await bytes(await listenOn('http', server))

  expect(linesOf(text, 'X-Own')).toEqual(['a'])
  expect(linesOf(text, 'Vary')).toEqual(['Cookie'])
})

it('after a head that Node refuses, the status of the answer in its place has its own words', async () => {
  const text = await answer((_, response) => {
    expect(() => response.writeHead(200, { 'X-Own': 'a\nb' })).toThrow()
    response.writeHead(500).end('one')
  })

  expect(text).toMatch(/^HTTP\/1.1 500 Internal Server Error\r\n/)
})

it('a session may begin after a head that Node refuses, though it was not used before', async () => {
  const server = await serve('http', newManager(), async ({ session }, response) => {
    expect(() => response.writeHead(200, { 'X-Own': 'a\nb' })).toThrow()
    await session.set('user', 'ann')
    response.writeHead(500).end('one')
  })

  expect(linesOf(await bytes(server), 'Set-Cookie')).toHaveLength(1)
})

it('of two arguments that are no message, the second are the headers, as for Node', async () => {
  const text = await answer((_, response) =>
    Reflect.apply(response.writeHead, response, [200, false, { 'X-Own': 'a' }]).end('one'),
  )

  expect(linesOf(text, 'X-Own')).toEqual(['a'])
})

describe('after a head that Node refuses, the answer in its place tells the id', () => {
  it.each<[string, (response: ServerResponse) => unknown]>([
    ['a status', response => response.writeHead(99)],
    ['a value', response => response.writeHead(200, { 'X-Own': 'a\nb' })],
    ['a name', response => response.writeHead(200, { 'X Own': 'a' })],
    ['a value in a list', response => response.writeHead(200, ['X-Own', 'a\nb'])],
    ['half a list', response => response.writeHead(200, ['X-Own', 'a', 'X-Other'])],
    ['half a list of one name', response => response.writeHead(200, ['X-Own', 'a', 'X-Own'])],
    ['a message', response => response.writeHead(200, 'no\nmessage', { 'X-Own': 'a' })],
    ['a trailer', response => response.writeHead(200, { Trailer: 'X-Sum', 'Content-Length': 3 })],
    ['no value', response => response.writeHead(200, { 'X-Own': undefined })],
  ])('%s', async (_name, refused) => {
    const text = await answer(async ({ session }, response) => {
      await session.update('visits', () => 1)
      expect(() => refused(response)).toThrow()
      response.writeHead(200, { 'X-Own': 'b' }).end('one')
    })

    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(linesOf(text, 'Trailer')).toEqual([])
    expect(linesOf(text, 'X-Own')).toEqual(['b'])
    expect(linesOf(text, 'Set-Cookie')).toHaveLength(1)
    expect(linesOf(text, 'Vary')).toEqual(['Cookie'])
  })
})

it('a middleware that stands in for writeHead is called as it was, and finds the lines in the response', async () => {
  const seen: unknown[] = []
  const withSession = session(newManager())(async (request, response) => {
    await request.session.get('user')
    response.writeHead(200, { 'X-Own': 'a' }).end('one')
  })
  const server = await listen('http', (request, response) => {
    const { writeHead } = response
    response.writeHead = (...args: unknown[]) => {
      seen.push(args, { ...response.getHeaders() })
      return Reflect.apply(writeHead, response, args)
    }
    withSession(request, response)
  })

  expect(linesOf(await bytes(server), 'X-Own')).toEqual(['a'])
  expect(seen).toEqual([[200], { 'x-own': 'a', vary: 'Cookie' }])
})
