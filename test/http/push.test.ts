import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type Http2ServerResponse,
} from 'node:http2'
import { Manager } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeGate } from '../helpers/gate.ts'
import { certificate, isSecureKind, serve, type TestServer } from '../helpers/http-servers.ts'
import { interceptStorage } from '../helpers/http-storage.ts'

const STYLE = { ':path': '/style.css' }

/** Pushes a style sheet, as the compatibility side of node:http2 does it. */
function push(response: ServerResponse): Promise<void> {
  const parent = response as unknown as Http2ServerResponse
  return new Promise((resolve, reject) => {
    parent.createPushResponse(STYLE, (error, pushed) => {
      if (error !== null) return reject(error)
      pushed.setHeader('Content-Type', 'text/css')
      pushed.end('body {}')
      resolve()
    })
  })
}

function connectTo({ kind, port }: TestServer): ClientHttp2Session {
  const scheme = isSecureKind(kind) ? 'https' : 'http'
  const tls = { ca: certificate, servername: 'localhost' }
  const client = connect(`${scheme}://127.0.0.1:${port}`, tls)
  onTestFinished(() => client.destroy())
  return client
}

async function read(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

/** Asks for the page, and answers when all of the pushed sheet is there. */
async function askUntilPushed(server: TestServer) {
  const client = connectTo(server)
  const page = client.request({ ':path': '/' })
  const head = once(page, 'response').then(([headers]) => headers)
  const [pushed] = (await once(client, 'stream')) as [ClientHttp2Stream]
  const [pushedHead] = await once(pushed, 'push')
  return { page, head, pushedHead, pushedText: await read(pushed) }
}

describe.each(['h2c', 'h2'] as const)('a push over %s', kind => {
  const pushes: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    'before the head is held': async response => {
      await push(response)
      response.end('page')
    },
    'while the head is held': async response => {
      response.write('pa')
      await push(response)
      response.end('ge')
    },
  }
  it.each(Object.entries(pushes))('leaves before the save, without a cookie: %s', async (_, go) => {
    const saving = makeGate()
    const storage = interceptStorage(async (verb, proceed) => {
      if (verb === 'create') await saving.opened
      return proceed()
    })
    const server = await serve(kind, new Manager({ storage }), async ({ session }, response) => {
      await session.set('user', 'ann')
      await go(response)
    })

    const { page, head, pushedHead, pushedText } = await askUntilPushed(server)
    expect([pushedHead[':status'], pushedText]).toEqual([200, 'body {}'])
    expect(pushedHead).not.toHaveProperty('set-cookie')
    expect(pushedHead).not.toHaveProperty('vary')
    expect(storage.size).toBe(0)

    saving.open()
    expect(await head).toMatchObject({
      ':status': 200,
      'set-cookie': [expect.stringMatching(/sid=/)],
      'cache-control': 'no-store',
    })
    expect(storage.size).toBe(1)
    expect(await read(page)).toBe('page')
  })
})
