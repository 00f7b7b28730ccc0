import { Manager } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { ask } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { type Handler, serve } from '../helpers/http-servers.ts'
import { interceptStorage } from '../helpers/http-storage.ts'

/** A server whose saves wait until the gate opens. */
async function start(kind: 'http' | 'h2c', handler: Handler) {
  const saving = makeGate()
  const storage = interceptStorage(async (verb, proceed) => {
    if (verb === 'create') await saving.opened
    return proceed()
  })
  const manager = new Manager({ storage })
  return { server: await serve(kind, manager, handler), manager, storage, saving }
}

describe.each(['http', 'h2c'] as const)('response.setTimeout over %s', kind => {
  it('counts the time that the response is held', async () => {
    const { server, manager, saving } = await start(kind, async ({ session }, response) => {
      await session.set('user', 'ann')
      response.setTimeout(20, () => saving.open())
      response.end('done')
    })
    const answer = await ask(server)
    const [, id] = cookieFrom(answer).split('=')

    expect(answer.text).toBe('done')
    expect(await manager.new(id).data()).toEqual({ user: 'ann' })
  })
})

it('a socket that times out while the response is held does not stop the save', async () => {
  const stderr = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const { server, storage, saving } = await start('http', async ({ session }, response) => {
    await session.set('user', 'ann')
    response.setTimeout(20)
    response.end('done')
  })

  await expect(ask(server)).rejects.toThrow('socket hang up')
  saving.open()
  await eventually(() => expect(storage.size).toBe(1))
  expect(stderr).not.toHaveBeenCalled()
  stderr.mockRestore()
})
