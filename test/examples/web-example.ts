import { expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { ask } from '../helpers/http-client.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { Program } from './programs.ts'

/** Runs an example on a free port, with a folder of its own for the sessions. */
async function startExample(name: string): Promise<TestServer> {
  const environment = { PORT: '0', XDG_STATE_HOME: tempFolder() }
  const program = new Program(`examples/${name}.mjs`, environment)
  return { kind: 'http', port: Number(await program.port()) }
}

/** What all examples of HTTP frameworks do: a counter, a login and a logout. */
export function testWebExample(name: string): void {
  it(`counts the views of each visitor, who may log in and out (examples/${name}.mjs)`, async () => {
    const server = await startExample(name)
    const browser = new Browser(server)
    const view = async () => JSON.parse((await browser.ask('/')).text)
    expect(await view()).toEqual({ user: 'nobody', views: 1 })
    expect(await view()).toEqual({ user: 'nobody', views: 2 })

    const before = await browser.cookies()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const login = await browser.ask('/login', { method: 'POST', headers, body: 'user=ann' })
    expect(login.status).toBe(302)
    expect((await browser.cookies())['sid']).not.toBe(before['sid'])
    expect(await view()).toEqual({ user: 'ann', views: 3 })
    expect(JSON.parse((await ask(server)).text)).toEqual({ user: 'nobody', views: 1 })

    expect((await browser.ask('/logout', { method: 'POST' })).status).toBe(302)
    expect(await browser.cookies()).toEqual({})
    expect(await view()).toEqual({ user: 'nobody', views: 1 })
  })
}
