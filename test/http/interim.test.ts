import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { Manager } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Gate, makeGate } from '../helpers/gate.ts'
import { serve, type TestServer } from '../helpers/http-servers.ts'
import { interceptStorage } from '../helpers/http-storage.ts'

const LINK = '</style.css>; rel=preload; as=style'
const hint = (response: ServerResponse): void => response.writeEarlyHints({ link: LINK })

/** Answers when its session is saved, which is when the gate opens. */
async function start(
  kind: 'http' | 'h2c',
  answer: (response: ServerResponse) => unknown,
): Promise<{ server: TestServer; saving: Gate }> {
  const saving = makeGate()
  const storage = interceptStorage(async (verb, proceed) => {
    if (verb === 'create') await saving.opened
    return proceed()
  })
  const server = await serve(kind, new Manager({ storage }), async ({ session }, response) => {
    await session.set('user', 'ann')
    await answer(response)
  })
  return { server, saving }
}

/** Everything that has come over a socket, once it matches. */
async function readUntil(socket: Socket, pattern: RegExp, text = ''): Promise<string> {
  if (pattern.test(text)) return text
  const [chunk] = await once(socket, 'data')
  return readUntil(socket, pattern, text + chunk)
}

const INTERIM: Readonly<Record<string, [status: number, (response: ServerResponse) => void]>> = {
  '103 before the head is held': [
    103,
    response => {
      hint(response)
      response.end('done')
    },
  ],
  '103 while the head is held': [
    103,
    response => {
      response.write('do')
      hint(response)
      response.end('ne')
    },
  ],
  '102 before the head is held': [
    102,
    response => {
      response.writeProcessing()
      response.end('done')
    },
  ],
}

describe('an interim answer leaves at once, and tells nothing of the session', () => {
  it.each(Object.entries(INTERIM))('over http: %s', async (_, [status, answer]) => {
    const { server, saving } = await start('http', answer)
    const socket = connect(server.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')

    const interim = await readUntil(socket, /\r\n\r\n/)
    expect(interim).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .+\r\n(?:Link: .+\r\n)?\r\n$`, 'i'))

    saving.open()
    const text = await readUntil(socket, /done|\r\n0\r\n/)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text.match(/^set-cookie: sid=/gim)).toHaveLength(1)
  })

  it.each(Object.entries(INTERIM).filter(([, [status]]) => status === 103))(
    'over h2c: %s',
    async (_, [status, answer]) => {
      const { server, saving } = await start('h2c', answer)
      const client = connectHttp2(`http://127.0.0.1:${server.port}`)
      onTestFinished(() => client.destroy())
      const stream = client.request({ ':path': '/' })
      let hasHead = false
      const head = once(stream, 'response').then(([headers]) => {
        hasHead = true
        return headers
      })

      const [interim] = await once(stream, 'headers')
      expect(Object.entries(interim)).toEqual([
        [':status', status],
        ['link', LINK],
      ])
      expect(hasHead).toBe(false)

      saving.open()
      expect(await head).toMatchObject({
        ':status': 200,
        'set-cookie': [expect.stringMatching(/^sid=/)],
      })
    },
  )
})
