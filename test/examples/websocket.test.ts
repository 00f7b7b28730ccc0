import { expect, it, onTestFinished } from 'vitest'
import { type Client, connect } from '../adapters/ws-lab.ts'
import { Browser } from '../helpers/http-browser.ts'
import { ask } from '../helpers/http-client.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { Program } from './programs.ts'

it('counts messages of who is logged in, and closes when they log out (examples/websocket.mjs)', async () => {
  const program = new Program('examples/websocket.mjs', {
    PORT: '0',
    XDG_STATE_HOME: tempFolder(),
  })
  const server: TestServer = { kind: 'http', port: Number(await program.port()) }
  const open = async (cookie?: string): Promise<Client> => {
    const client = await connect(server, cookie === undefined ? {} : { cookie })
    onTestFinished(() => client.socket.terminate())
    return client
  }
  expect((await ask(server)).text).toContain('new WebSocket(')
  expect(await (await open()).next()).toEqual({ user: 'nobody' })

  const browser = new Browser(server)
  await browser.ask('/login', { method: 'POST', body: 'user=ann' })
  const cookie = await browser.jar.getCookieString('http://localhost/')
  const tabs = [await open(cookie), await open(cookie)]
  for (const tab of tabs) expect(await tab.next()).toEqual({ user: 'ann' })
  const counted = await Promise.all(tabs.flatMap(tab => [tab.ask('count'), tab.ask('count')]))
  expect(new Set(counted)).toEqual(
    new Set([1, 2, 3, 4].map(messages => ({ user: 'ann', messages }))),
  )

  await browser.ask('/logout', { method: 'POST' })
  const ended = { code: 1008, reason: 'session ended' }
  expect(await Promise.all(tabs.map(tab => tab.closed))).toEqual([ended, ended])
  expect(program.errors).toBe('')
})
