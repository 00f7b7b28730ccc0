import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { holdVerb } from '../helpers/core-sessions.ts'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import { askRaw, textOf } from '../helpers/http-raw.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { delayWrites, failOnDemand, interceptStorage } from '../helpers/http-storage.ts'

/** How long a session write takes, in milliseconds. */
const DELAY = 40

async function serveSlowly(handler: Handler, kind: 'http' | 'h2c' = 'http') {
  const { storage, written } = delayWrites(DELAY)
  const server = await serve(kind, new Manager({ storage }), handler)
  return { server, storage, written }
}

/** A server whose sessions begin when the gate opens. */
async function serveHeld(handler: Handler) {
  const { storage, hold } = holdVerb('create')
  const saving = hold()
  const server = await serve('http', new Manager({ storage }), handler)
  return { server, storage, saving }
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** A megabyte in which every part is different. */
const MEGABYTE = Buffer.from(
  Array.from({ length: 2 ** 17 }, (_, index) => index.toString(16).padStart(7, '0')).join(' '),
)
const PARTS = ['one,', 'two,', 'three,', 'four']

interface Way {
  readonly method?: string
  readonly status?: number
  readonly body: Buffer | string
  answer(response: ServerResponse): unknown
}

const WAYS: Readonly<Record<string, Way>> = {
  end: { body: 'done', answer: response => response.end('done') },
  'end without a body': { body: '', answer: response => response.end() },
  'writeHead and end': {
    status: 201,
    body: 'done',
    answer: response => response.writeHead(201, { 'X-Own': 'yes' }).end('done'),
  },
  'writeHead with Content-Length': {
    body: 'done',
    answer: response => response.writeHead(200, { 'Content-Length': 4 }).end('done'),
  },
  'setHeader of Content-Length': {
    body: 'done',
    answer(response) {
      response.setHeader('Content-Length', 4)
      response.write('do')
      response.end('ne')
    },
  },
  'write by write': {
    body: PARTS.join(''),
    answer(response) {
      for (const part of PARTS) response.write(part)
      response.end()
    },
  },
  'write by write, with pauses': {
    body: PARTS.join(''),
    async answer(response) {
      for (const part of PARTS) {
        response.write(part)
        await wait(DELAY / 3)
      }
      response.end()
    },
  },
  'write in several encodings': {
    body: 'häß€',
    answer(response) {
      response.write('68c3a4', 'hex')
      response.write(Buffer.from('ß'))
      response.end('4oKs', 'base64')
    },
  },
  pipe: {
    body: MEGABYTE,
    answer: response => slices(MEGABYTE).pipe(response),
  },
  pipeline: {
    body: MEGABYTE,
    answer: response => pipeline(slices(MEGABYTE), response),
  },
  'pipeline from a generator': {
    body: MEGABYTE,
    answer: response =>
      pipeline(async function* () {
        yield* slices(MEGABYTE)
      }, response),
  },
  HEAD: { method: 'HEAD', body: '', answer: response => response.end('done') },
  '204': { status: 204, body: '', answer: response => response.writeHead(204).end() },
  '304': { status: 304, body: '', answer: response => response.writeHead(304).end() },
  '302': {
    status: 302,
    body: '',
    answer: response => response.writeHead(302, { Location: '/next' }).end(),
  },
  flushHeaders: {
    body: 'done',
    answer(response) {
      response.flushHeaders()
      response.end('done')
    },
  },
  writeEarlyHints: {
    body: 'done',
    answer(response) {
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      response.end('done')
    },
  },
  writeContinue: {
    body: 'done',
    answer(response) {
      response.writeContinue()
      response.end('done')
    },
  },
  'a thrown error': {
    status: 500,
    body: 'Internal Server Error',
    answer() {
      throw new Error('boom')
    },
  },
}

describe.each(['http', 'h2c'] as const)('over %s the head leaves after the save', kind => {
  it.each(Object.entries(WAYS))('%s', async (_, { method = 'GET', status = 200, body, answer }) => {
    const stderr = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { server, storage, written } = await serveSlowly(async ({ session }, response) => {
      await session.set('user', 'ann')
      await answer(response)
    }, kind)
    const savedAtHead: number[] = []
    const onHead = (code: number): void => {
      if (code >= 200) savedAtHead.push(written())
    }

    const got =
      kind === 'http'
        ? (await askRaw(server, requestText(method), onHead)).at(-1)
        : await ask(server, '/', { method, onHead })

    expect(savedAtHead).toEqual([1])
    expect(got?.status).toBe(status)
    expect(got?.body.length).toBe(Buffer.byteLength(body))
    expect(sha256(got?.body ?? 'nothing')).toBe(sha256(body))
    expect(storage.size).toBe(1)
    stderr.mockRestore()
  })
})

const requestText = (method: string): string =>
  `${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

function slices(bytes: Buffer): Readable {
  const size = 10_000
  const count = Math.ceil(bytes.length / size)
  return Readable.from(
    Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size)),
  )
}

describe('what is not saved is not waited for', () => {
  it('sends at once what a request answers that only reads', async () => {
    const { server, written } = await serveSlowly(async ({ url, session }, response) => {
      if (url === '/set') await session.set('user', 'ann')
      response.end(`${await session.get('user')}`)
    })
    const cookie = cookieFrom(await ask(server, '/set'))
    const { text } = await askAs(cookie, server, '/get')

    expect(text).toBe('ann')
    // A write is what a response would be held for.
    expect(written()).toBe(1)
  })

  it('answers one request while another saves', async () => {
    const { server, storage, saving } = await serveHeld(async ({ url, session }, response) => {
      if (url === '/set') await session.set('user', 'ann')
      response.end(url)
    })
    const set = ask(server, '/set')

    expect((await ask(server, '/other')).text).toBe('/other')
    expect(storage.size).toBe(0)
    saving.open()
    expect((await set).text).toBe('/set')
  })
})

describe('backpressure', () => {
  const CHUNK = Buffer.alloc(64 * 1024, 'x')
  const CHUNKS = 256

  it('lets a handler that waits for drain go on, and holds it back while nobody reads', async () => {
    let waits = 0
    let written = 0
    const { server } = await serveSlowly(async ({ session }, response) => {
      await session.set('user', 'ann')
      for (; written < CHUNKS; written++) {
        if (response.write(CHUNK)) continue
        waits++
        await once(response, 'drain')
      }
      response.end()
    })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(requestText('GET'))
    await once(socket, 'readable')
    await wait(5 * DELAY)
    const writtenUnread = written
    let length = 0
    for await (const chunk of socket) length += chunk.length

    expect(writtenUnread).toBeLessThan(CHUNKS)
    expect(waits).toBeGreaterThan(1)
    expect(length).toBeGreaterThan(CHUNK.length * CHUNKS)
  })

  it('keeps no more than one chunk of a stream while it holds the response', async () => {
    let writes = 0
    const { server, saving } = await serveHeld(async ({ session }, response) => {
      await session.set('user', 'ann')
      const source = Readable.from(
        (function* () {
          for (; writes < CHUNKS; writes++) yield CHUNK
        })(),
        { highWaterMark: 1 },
      )
      source.pipe(response)
    })
    const answered = ask(server)
    await eventually(() => expect(writes).toBeGreaterThan(0))
    await wait(DELAY)
    const writesWhileHeld = writes
    saving.open()
    const { body } = await answered

    expect(writesWhileHeld).toBeLessThan(5)
    expect(body.length).toBe(CHUNK.length * CHUNKS)
  })

  it('ends a pipeline whose answer was dropped, since the save failed', async () => {
    const stderr = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { storage, failWith } = failOnDemand()
    let ended: Promise<unknown> | undefined
    const server = await serve('http', new Manager({ storage }), async ({ session }, response) => {
      await session.set('user', 'ann')
      ended = pipeline(slices(MEGABYTE), response).catch((error: unknown) => error)
    })
    failWith(new Error('disk full'))
    const answer = await ask(server)

    expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
    expect(await ended).toBeInstanceOf(Error)
    stderr.mockRestore()
  })
})

it('answers pipelined requests in order, each when its own save is done', async () => {
  const { server, written } = await serveSlowly(async ({ url = '', session }, response) => {
    if (url.startsWith('/set')) await session.set('url', url)
    response.end(`answer to ${url}`)
  })
  const urls = ['/set1', '/set2', '/plain', '/set3']
  const requests = urls.map(url => `GET ${url} HTTP/1.1\r\nHost: localhost\r\n`)
  const savedAtHead: number[] = []
  const answers = await askRaw(server, `${requests.join('\r\n')}Connection: close\r\n\r\n`, () =>
    savedAtHead.push(written()),
  )

  expect(answers.map(({ body }) => body.toString())).toEqual(urls.map(url => `answer to ${url}`))
  expect(savedAtHead[0]).toBeGreaterThanOrEqual(1)
  expect(savedAtHead[1]).toBeGreaterThanOrEqual(2)
  expect(savedAtHead[3]).toBe(3)
})

it('a browser that follows a redirect at once finds the login, 100 times', async () => {
  const { server } = await serveSlowly(async ({ url, session }, response) => {
    if (url === '/login') {
      await session.set('user', 'ann')
      response.writeHead(302, { Location: '/home', 'Content-Length': 1_000_000 })
      // The body is never finished: the browser acts on the head.
      response.write('moved')
    } else response.end(`${await session.get('user')}`)
  })
  const followed = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const cookie = await new Promise<string>(resolve => {
        const socket = connect(server.port, '127.0.0.1')
        socket.write('GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n')
        socket.once('data', bytes => {
          socket.destroy()
          resolve(/^set-cookie: ([^;]+)/im.exec(bytes.toString())?.[1] ?? '')
        })
      })
      return (await askAs(cookie, server, '/home')).text
    }),
  )

  expect(followed).toEqual(Array(100).fill('ann'))
})

describe('what the application sees while its response is held', () => {
  it('takes part in `response.end(await ...)`, which takes `end` before the session is used', async () => {
    const { server, written } = await serveSlowly(async ({ session }, response) => {
      response.end(`views: ${await session.update('views', (n: unknown) => Number(n ?? 0) + 1)}`)
    })
    const answer = await ask(server, '/', { onHead: () => expect(written()).toBe(1) })

    expect(answer.text).toBe('views: 1')
    expect(sessionCookies(answer)).toHaveLength(1)
  })

  it('holds what is ended while an update is under way that nobody awaits', async () => {
    const { server, written } = await serveSlowly(({ session }, response) => {
      void session.update('views', () => 1)
      response.end('done')
    })
    const answer = await ask(server, '/', { onHead: () => expect(written()).toBe(1) })

    expect(sessionCookies(answer)).toHaveLength(1)
  })

  it('saves in one answer what is set while it is held', async () => {
    const { server, storage } = await serveSlowly(async ({ session }, response) => {
      await session.set('first', 1)
      response.write('first,')
      await session.set('second', 2)
      response.end('second')
    })
    const answer = await ask(server)
    const [, id = ''] = cookieFrom(answer).split('=')

    expect(answer.text).toBe('first,second')
    expect(await new Manager({ storage }).new(id).data()).toEqual({ first: 1, second: 2 })
  })

  it('saves what is set while a save is under way, before the head leaves', async () => {
    const underWay = makeGate()
    const isSet = makeGate()
    let written = 0
    const storage = interceptStorage(async (verb, proceed) => {
      if (verb === 'create') {
        underWay.open()
        await isSet.opened
      }
      if (verb === 'create' || verb === 'merge') written++
      return proceed()
    })
    const server = await serve('http', new Manager({ storage }), async ({ session }, response) => {
      await session.set('first', 1)
      response.write('first,')
      await underWay.opened
      await session.set('second', 2)
      isSet.open()
      response.end('second')
    })
    const answer = await ask(server, '/', { onHead: () => expect(written).toBe(2) })
    const [, id = ''] = cookieFrom(answer).split('=')

    expect(answer.text).toBe('first,second')
    expect(await new Manager({ storage }).new(id).data()).toEqual({ first: 1, second: 2 })
  })

  it('says that the head has left, and refuses a second one as node does', async () => {
    const seen: unknown[] = []
    const { server } = await serveSlowly(async ({ session }, response) => {
      await session.set('user', 'ann')
      seen.push(response.headersSent, response.writableEnded)
      response.writeHead(201)
      seen.push(response.headersSent, response.writableEnded, response.statusCode)
      try {
        response.writeHead(500)
      } catch (error) {
        seen.push(error)
      }
      response.end('done')
      seen.push(response.headersSent, response.writableEnded)
      response.once('finish', () => seen.push(response.headersSent, response.writableEnded))
    })
    const answer = await ask(server)

    expect([answer.status, answer.text]).toEqual([201, 'done'])
    expect(seen).toEqual([
      ...[false, false],
      ...[true, false, 201],
      expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }),
      ...[true, true],
      ...[true, true],
    ])
  })

  it('calls back those who wrote', async () => {
    const called: string[] = []
    const { server } = await serveSlowly(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.write('a', () => called.push('write'))
      response.end('b', () => called.push('end'))
      expect(called).toEqual([])
    })

    expect((await ask(server)).text).toBe('ab')
    await eventually(() => expect(called).toEqual(['write', 'end']))
  })

  it('sends trailers', async () => {
    const { server } = await serveSlowly(async ({ session }, response) => {
      await session.set('user', 'ann')
      response.writeHead(200, { Trailer: 'X-Sum' })
      response.write('body')
      response.addTrailers({ 'X-Sum': '42' })
      response.end()
    })
    const text = await textOf(server, requestText('GET'))

    expect(text).toMatch(/\r\n0\r\nX-Sum: 42\r\n\r\n$/)
  })
})
