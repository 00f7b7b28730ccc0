import { request as requestHttp } from 'node:http'
import { connect } from 'node:http2'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { certificate, isHttp2Kind, isSecureKind, type TestServer } from './http-servers.ts'

export interface Answer {
  readonly status: number
  /** Names in lower case; the lines of one name joined, but for those of Set-Cookie. */
  readonly headers: Readonly<Record<string, string>>
  readonly setCookies: readonly string[]
  readonly body: Buffer
  readonly text: string
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Called when the head arrives, before the body is read. */
  readonly onHead?: (status: number) => void
}

/** Asks a server and waits for its whole answer. Rejects when the answer was cut off. */
export function ask(server: TestServer, path = '/', options: Ask = {}): Promise<Answer> {
  return isHttp2Kind(server.kind)
    ? askHttp2(server, path, options)
    : askHttp1(server, path, options)
}

/** The same with a session cookie, or with what stands in its place. */
export function askAs(cookie: string, server: TestServer, path = '/', options: Ask = {}) {
  return ask(server, path, { ...options, headers: { ...options.headers, cookie } })
}

type Headers = Readonly<Record<string, string | string[] | number | undefined>>

function askHttp1(server: TestServer, path: string, options: Ask): Promise<Answer> {
  const { method = 'GET', headers = {}, onHead } = options
  const secure = isSecureKind(server.kind)
  return new Promise((resolve, reject) => {
    const request = (secure ? requestHttps : requestHttp)(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false, ...TLS },
      response => {
        const { statusCode = 0 } = response
        onHead?.(statusCode)
        answer(statusCode, response.headers, response).then(resolve, reject)
      },
    )
    request.on('error', reject)
    request.end(options.body)
  })
}

const TLS = { ca: certificate, servername: 'localhost' }

function askHttp2(server: TestServer, path: string, options: Ask): Promise<Answer> {
  const { method = 'GET', headers = {}, onHead } = options
  const scheme = isSecureKind(server.kind) ? 'https' : 'http'
  return new Promise((resolve, reject) => {
    const client = connect(`${scheme}://127.0.0.1:${server.port}`, TLS)
    client.on('error', reject)
    const stream = client.request({ ':path': path, ':method': method, ...headers })
    stream.on('error', reject)
    stream.on('response', head => {
      const status = Number(head[':status'])
      onHead?.(status)
      answer(status, head, stream)
        .then(resolve, reject)
        .finally(() => client.close())
    })
    stream.on('close', () => {
      reject(new Error('The stream was closed without an answer'))
      client.close()
    })
    stream.end(options.body)
  })
}

async function answer(status: number, headers: Headers, source: Readable): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'))
  return {
    status,
    headers: Object.fromEntries(named.map(([name, value]) => [name, String(value)])),
    setCookies: [headers['set-cookie'] ?? []].flat().map(String),
    body,
    text: body.toString(),
  }
}

/** Asks, and answers how to break off before there is an answer. */
export function askAndLeave(server: TestServer, path: string): () => void {
  const { kind, port } = server
  const secure = isSecureKind(kind)
  if (isHttp2Kind(kind)) {
    const client = connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, TLS)
    client.on('error', () => {})
    client.request({ ':path': path }).on('error', () => {})
    return () => client.destroy()
  }
  const options = { host: '127.0.0.1', port, path, agent: false as const, ...TLS }
  const sent = secure ? requestHttps(options) : requestHttp(options)
  sent.on('error', () => {})
  sent.end()
  return () => sent.destroy()
}
