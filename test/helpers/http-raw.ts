import { connect } from 'node:net'
import type { TestServer } from './http-servers.ts'

export interface RawAnswer {
  readonly status: number
  /** The status line and the headers. */
  readonly head: string
  readonly body: Buffer
}

/**
 * Sends these bytes over a socket and answers what came back until the server closed it: several
 * answers if the bytes hold several requests, interim ones (1xx) included.
 */
export async function askRaw(
  server: TestServer,
  bytes: string,
  onHead: (status: number) => void = () => undefined,
): Promise<RawAnswer[]> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(bytes)
  let received = Buffer.alloc(0)
  let told = 0
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk])
    const seen = received.includes('\r\n\r\n') ? heads(received) : []
    for (const status of seen.slice(told)) onHead(status)
    told = seen.length
  }
  return split(received, /^HEAD /.test(bytes))
}

/** The same as one text, to be compared to the byte. */
export async function textOf({ port }: TestServer, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

/** Status codes whose line has arrived. A body that looks like one must not be used in a test. */
function heads(bytes: Buffer): number[] {
  return [...bytes.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) =>
    Number(code),
  )
}

function split(bytes: Buffer, isHead: boolean): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = bytes
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n') + 4
    const head = rest.subarray(0, end).toString('latin1')
    const status = Number(head.slice(9, 12))
    const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304
    const { body, length } = hasBody ? readBody(head, rest.subarray(end)) : NOTHING
    answers.push({ status, head, body })
    rest = rest.subarray(end + length)
  }
  return answers
}

const NOTHING = { body: Buffer.alloc(0), length: 0 }

function readBody(head: string, bytes: Buffer): { body: Buffer; length: number } {
  if (/^transfer-encoding: chunked/im.test(head)) return readChunks(bytes)
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? bytes.length)
  return { body: bytes.subarray(0, length), length }
}

function readChunks(bytes: Buffer): { body: Buffer; length: number } {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    if (Number.isNaN(size)) throw new Error('The answer was cut off')
    const start = lineEnd + 2
    chunks.push(bytes.subarray(start, start + size))
    at = start + size + 2
    if (size === 0) return { body: Buffer.concat(chunks), length: at }
  }
}
