import { once } from 'node:events'
import { createServer, type IncomingMessage, request as requestHttp } from 'node:http'
import { connect, createServer as createHttp2 } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { Manager } from 'gsession'
import { session } from 'gsession/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Handler } from '../helpers/http-servers.ts'
import { delayWrites } from '../helpers/http-storage.ts'

type Kind = 'http' | 'h2c'

/** What a client saw that sends its body only when it is told to. */
interface Answer {
  readonly wasContinued: boolean
  readonly status: number
  readonly setCookies: readonly string[]
  readonly text: string
}

const BODY = 'name=ann'

/** A server whose writes take a while; with `asked`, it is asked before a body is sent. */
async function start(kind: Kind, handler: Handler, asked: boolean) {
  const { storage } = delayWrites(50)
  const listener: unknown = session(new Manager({ storage }))(handler)
  const server: Server =
    kind === 'http' ? createServer(listener as never) : createHttp2(listener as never)
  if (asked) server.on('checkContinue', listener as never)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { storage, port: (server.address() as AddressInfo).port }
}

const ask = (kind: Kind, port: number, path: string): Promise<Answer> =>
  kind === 'http' ? askHttp1(port, path) : askHttp2(port, path)

async function askHttp1(port: number, path: string): Promise<Answer> {
  let wasContinued = false
  const headers = { Expect: '100-continue', 'Content-Length': BODY.length }
  const request = requestHttp({ port, host: '127.0.0.1', path, method: 'POST', headers })
  onTestFinished(() => void request.destroy())
  request.on('continue', () => {
    wasContinued = true
    request.end(BODY)
  })
  request.flushHeaders()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  const { statusCode: status = 0, headers: got } = response
  return { wasContinued, status, setCookies: got['set-cookie'] ?? [], text }
}

async function askHttp2(port: number, path: string): Promise<Answer> {
  let wasContinued = false
  const client = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => client.destroy())
  const head = { ':method': 'POST', ':path': path, expect: '100-continue' }
  const stream = client.request(head, { endStream: false })
  stream.on('continue', () => {
    wasContinued = true
    stream.end(BODY)
  })
  const [got] = await once(stream, 'response')
  let text = ''
  for await (const chunk of stream) text += chunk
  return { wasContinued, status: got[':status'], setCookies: got['set-cookie'] ?? [], text }
}

/** Takes the body, and keeps it in the session. */
const keep: Handler = async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  await request.session.set('body', text)
  response.end(text)
}

describe.each(['http', 'h2c'] as const)('a client over %s that waits for 100 Continue', kind => {
  const told = (text: string): Answer => ({
    wasContinued: true,
    status: 200,
    setCookies: [expect.stringMatching(/^sid=[\w-]{43};/)],
    text,
  })

  it('is told to go on by node, and gets its session with the answer', async () => {
    const { storage, port } = await start(kind, keep, false)

    expect(await ask(kind, port, '/')).toEqual(told(BODY))
    expect(storage.size).toBe(1)
  })

  it('is told to go on by a listener that has changed its session already', async () => {
    const handler: Handler = async (request, response) => {
      await request.session.set('began', true)
      response.writeContinue()
      await keep(request, response)
    }
    const { storage, port } = await start(kind, handler, true)

    expect(await ask(kind, port, '/')).toEqual(told(BODY))
    expect(storage.size).toBe(1)
  })

  it('is told to go on while the head of its answer is held', async () => {
    const handler: Handler = async (request, response) => {
      await request.session.set('began', true)
      response.write('body: ')
      response.writeContinue()
      let text = ''
      for await (const chunk of request) text += chunk
      response.end(text)
    }
    const { storage, port } = await start(kind, handler, true)

    expect(await ask(kind, port, '/')).toEqual(told(`body: ${BODY}`))
    expect(storage.size).toBe(1)
  })

  it('gets the session with a refusal too, without ever sending its body', async () => {
    const handler: Handler = async ({ session: own }, response) => {
      await own.set('refused', true)
      response.writeHead(417).end('too large')
    }
    const { storage, port } = await start(kind, handler, true)

    expect(await ask(kind, port, '/')).toEqual({
      ...told('too large'),
      wasContinued: false,
      status: 417,
    })
    expect(storage.size).toBe(1)
  })
})
