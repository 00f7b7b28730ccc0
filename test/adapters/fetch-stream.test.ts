import type { Session } from 'gsession'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { type Gate, makeGate } from '../helpers/gate.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom, sessionCookies } from '../helpers/http-cookies.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'
import { dataOf, newManager, start } from './fetch-lab.ts'

describe('a body that is streamed', () => {
  /** A body that goes on once the client has its head, and does some work then. */
  const goesOn = (head: Gate, work: () => Promise<void>) =>
    ReadableStream.from(
      (async function* () {
        yield new TextEncoder().encode('begun, ')
        await head.opened
        await work()
        yield new TextEncoder().encode('done')
      })(),
    )

  it('saves by itself what changes, though nothing was used before', async () => {
    const head = makeGate()
    const server = await start(async (request, session) => {
      if (new URL(request.url).pathname === '/stream') {
        return new Response(goesOn(head, () => session.set('late', true)))
      }
      await session.set('user', 'ann')
      return new Response('ok')
    })
    const login = await ask(server)
    const answer = await askAs(cookieFrom(login), server, '/stream', { onHead: head.open })
    expect([answer.text, answer.setCookies]).toEqual(['begun, done', []])
    await eventually(async () =>
      expect(await dataOf(server, login)).toEqual({ user: 'ann', late: true }),
    )
  })

  it('tells onBackgroundError of a save that fails', async () => {
    const { storage, failWith } = failOnDemand()
    const failures: Error[] = []
    const head = makeGate()
    const server = await start(
      async (_, session) => {
        await session.set('user', 'ann')
        return new Response(
          goesOn(head, async () => {
            failWith(new Error('down'))
            await session.set('late', true)
          }),
        )
      },
      newManager({ storage, onBackgroundError: error => failures.push(error) }),
    )
    const answer = await ask(server, '/', { onHead: head.open })
    expect([answer.text, sessionCookies(answer).length]).toEqual(['begun, done', 1])
    await eventually(() =>
      expect(failures).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })]),
    )
  })

  it('saves nothing after a handler failed with saveOnError: false', async () => {
    const { storage, calls } = countCalls()
    const failures: Error[] = []
    let kept: Session | undefined
    const server = await start(
      async (_, session) => {
        kept = session
        await session.set('user', 'ann')
        throw new Error('oops')
      },
      newManager({ storage, onBackgroundError: error => failures.push(error) }),
      { saveOnError: false, onError: () => new Response('our page', { status: 500 }) },
    )
    expect((await ask(server)).text).toBe('our page')
    await kept?.set('late', true)
    await new Promise(resolve => setImmediate(resolve))
    expect([calls, failures]).toEqual([[], []])
  })

  it('cannot change the id, nor begin a session, for the client could not be told', async () => {
    const { storage, calls } = countCalls()
    const failures: Error[] = []
    const refused: unknown[] = []
    const head = makeGate()
    const server = await start(
      async (_, session) =>
        new Response(
          goesOn(head, async () => {
            await session.regenerateId().catch(error => refused.push(error))
            await session.update('n', () => 1).catch(error => refused.push(error))
            await session.set('late', true)
          }),
        ),
      newManager({ storage, onBackgroundError: error => failures.push(error) }),
    )
    const answer = await ask(server, '/', { onHead: head.open })
    expect(answer.text).toBe('begun, done')
    const headersSent = expect.objectContaining({ code: 'ERR_HEADERS_SENT' })
    expect(refused).toEqual([headersSent, headersSent])
    await eventually(() => expect(failures).toContainEqual(headersSent))
    expect(calls).toEqual([])
  })
})
