import { connect } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { ask } from '../helpers/http-client.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { Program } from './programs.ts'

it('counts for who is logged in, and disconnects when they log out (examples/socket-io.mjs)', async () => {
  const program = new Program('examples/socket-io.mjs', {
    PORT: '0',
    XDG_STATE_HOME: tempFolder(),
  })
  const server: TestServer = { kind: 'http', port: Number(await program.port()) }
  const open = async (extraHeaders: Record<string, string>) => {
    const client = connect(`http://localhost:${server.port}`, {
      forceNew: true,
      extraHeaders,
      reconnection: false,
    })
    onTestFinished(() => {
      client.close()
    })
    const user = await new Promise(resolve => client.once('hello', resolve))
    return { client, user }
  }
  expect((await ask(server)).text).toContain('socket.io.js')
  expect((await ask(server, '/socket.io/socket.io.js')).status).toBe(200)
  const nobody = await open({})
  expect(nobody.user).toBe('nobody')
  expect(await nobody.client.emitWithAck('count')).toBe('log in first')

  const browser = new Browser(server)
  await browser.ask('/login', { method: 'POST', body: 'user=ann' })
  const cookie = await browser.jar.getCookieString('http://localhost/')
  const tabs = [await open({ cookie }), await open({ cookie })]
  expect(tabs.map(({ user }) => user)).toEqual(['ann', 'ann'])
  const counted = tabs.flatMap(({ client }) => [
    client.emitWithAck('count'),
    client.emitWithAck('count'),
  ])
  expect(new Set(await Promise.all(counted))).toEqual(new Set([1, 2, 3, 4]))

  const gone = tabs.map(
    ({ client }) => new Promise(resolve => client.once('disconnect', () => resolve('gone'))),
  )
  await browser.ask('/logout', { method: 'POST' })
  expect(await Promise.all(gone)).toEqual(['gone', 'gone'])
  expect(program.errors).toBe('')
})
