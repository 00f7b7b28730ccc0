import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { interceptStorage } from '../helpers/http-storage.ts'

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`

/** Begins a session for the path, with a body of its own. */
const begin: Handler = async ({ url = '', session }, response) => {
  await session.set('url', url)
  response.end(`answer to ${url}`)
}

/** A server whose first write waits for the gate. */
async function startWithFirstWriteHeld(handler: Handler) {
  const saving = makeGate()
  let writes = 0
  const storage = interceptStorage(async (verb, proceed) => {
    if (verb === 'create' && ++writes === 1) await saving.opened
    return proceed()
  })
  const manager = new Manager({ storage })
  return { server: await serve('http', manager, handler), manager, storage, saving }
}

/** Sends several requests at once over one socket, and gathers what comes back. */
function send(port: number, bytes: string): { text(): string; closed: Promise<unknown> } {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.write(bytes)
  return { text: () => text, closed: new Promise(resolve => socket.once('close', resolve)) }
}

describe('of two requests at once over one socket, the first held', () => {
  it('answers in their order, each with a cookie of its own', async () => {
    const { server, manager, storage, saving } = await startWithFirstWriteHeld(begin)
    const sent = send(server.port, get('/first') + get('/second', 'Connection: close\r\n'))

    await eventually(() => expect(storage.size).toBe(1))
    await wait(20)
    expect(sent.text()).toBe('')

    saving.open()
    await sent.closed
    const ids = [...sent.text().matchAll(/^set-cookie: sid=([\w-]{43});/gim)].map(([, id]) => id)
    expect(sent.text().match(/answer to .(?:first|second)/g)).toEqual([
      'answer to /first',
      'answer to /second',
    ])
    expect(ids).toHaveLength(2)
    expect(await manager.new(ids[0]).data()).toEqual({ url: '/first' })
    expect(await manager.new(ids[1]).data()).toEqual({ url: '/second' })
  })

  it('keeps the second from sending anything before it, early hints and plain answers too', async () => {
    let answered = 0
    const { server, saving } = await startWithFirstWriteHeld(async (request, response) => {
      if (request.url === '/first') await begin(request, response)
      else {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' })
        response.end('plain')
        answered++
      }
    })
    const sent = send(server.port, get('/first') + get('/plain', 'Connection: close\r\n'))

    await eventually(() => expect(answered).toBe(1))
    await wait(20)
    expect(sent.text()).toBe('')

    saving.open()
    await sent.closed
    expect(sent.text()).toMatch(/HTTP\/1\.1 200 .+answer to \/first.+HTTP\/1\.1 200 .+plain$/s)
  })
})
