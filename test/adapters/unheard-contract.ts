import { Manager, newSessionId, type Session, StorageMemory } from 'gsession'
import { expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAndLeave } from '../helpers/http-client.ts'
import { sessionCookies } from '../helpers/http-cookies.ts'
import type { TestServer } from '../helpers/http-servers.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { ERROR_PAGE, type Route } from './adapter.ts'

/** Starts an application of the adapter under test. */
export type Start = (
  manager: Manager,
  routes: Readonly<Record<string, Route>>,
) => Promise<{ readonly server: TestServer; readonly errors: unknown[] }>

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])

/** What a session refuses, or what fails while nobody waits for it, and the code of the error. */
const MISTAKES: Readonly<Record<string, [string, (session: Session) => unknown]>> = {
  'set, too deep': ['ERR_VALUE', session => session.set('a', nested(501))],
  'set, no value': ['ERR_VALUE', session => session.set('a', undefined)],
  'set, a function': ['ERR_VALUE', session => session.set('a', () => 1)],
  'set, a key of the library': ['ERR_KEY', session => session.set('__gsession:x', 1)],
  'set, no text as key': ['ERR_KEY', session => session.set(42 as unknown as string, 1)],
  'setMap, a bad value': ['ERR_VALUE', session => session.setMap({ a: 1, b: Symbol('b') })],
  'setMap, a bad key': ['ERR_KEY', session => session.setMap({ __gsession: 1 })],
  'remove, a bad key': ['ERR_KEY', session => session.remove('a', '__gsession')],
  'update, a bad value': ['ERR_VALUE', session => session.update('a', () => Symbol('a'))],
  'update, a bad key': ['ERR_KEY', session => session.update('__gsession', () => 1)],
}

/** The same for a storage that fails. */
const FAILURES: Readonly<Record<string, (session: Session) => unknown>> = {
  update: session => session.update('a', () => 1),
  removeAll: session => session.removeAll(),
  regenerateId: session => session.regenerateId(),
  close: session => {
    void session.set('a', 1)
    return session.close()
  },
}

/** What every adapter makes of a change that failed and that nobody waited for. */
export function unheardContract(start: Start): void {
  it.each(Object.entries(MISTAKES))(
    'answers an error in place of the success when nobody waits: %s',
    async (_, [code, mistake]) => {
      const { server, errors } = await start(new Manager({ storage: new StorageMemory() }), {
        '/mistake': session => {
          void session.set('before', 1)
          void mistake(session)
          return { body: 'a success' }
        },
        '/get': async session => ({ body: JSON.stringify(await session.data()) }),
      })
      const browser = new Browser(server)
      const answer = await browser.ask('/mistake')
      expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
      expect(errors).toEqual([expect.objectContaining({ code })])
      expect((await browser.ask('/get')).text).toBe('{"before":1}')
    },
  )

  it.each(Object.entries(FAILURES))(
    'answers an error when the storage fails and nobody waits: %s',
    async (_, change) => {
      const { storage, failWith } = failOnDemand()
      const { server, errors } = await start(new Manager({ storage }), {
        '/login': async session => {
          await session.set('user', 'ann')
          return { body: 'welcome' }
        },
        '/change': session => {
          failWith(new Error('down'))
          void change(session)
          return { body: 'a success' }
        },
      })
      const browser = new Browser(server)
      await browser.ask('/login')
      const answer = await browser.ask('/change')
      expect([answer.status, answer.text]).toEqual([500, ERROR_PAGE])
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    },
  )

  it('reports in the background what fails when the answer is given', async () => {
    const answered = makeGate()
    const reported: unknown[] = []
    const manager = new Manager({
      storage: new StorageMemory(),
      onBackgroundError: error => reported.push(error),
    })
    const { server, errors } = await start(manager, {
      '/late': session => {
        void answered.opened.then(() => void session.set('a', Symbol('a')))
        return { body: 'a success' }
      },
    })
    const answer = await ask(server, '/late')
    expect([answer.status, answer.text]).toEqual([200, 'a success'])
    answered.open()
    await eventually(() => expect(reported).toHaveLength(1))
    expect(reported[0]).toMatchObject({ name: 'SessionError' })
    expect(errors).toEqual([])
    expect(sessionCookies(answer)).toEqual([])
  })

  it.each([false, true])(
    'stores what is set after the client has gone, or reports it (the storage fails: %s)',
    async fails => {
      const [asked, gone] = [makeGate(), makeGate()]
      const { storage, failWith, recover } = failOnDemand()
      const reported: unknown[] = []
      const manager = new Manager({ storage, onBackgroundError: error => reported.push(error) })
      const id = newSessionId()
      const { server, errors } = await start(manager, {
        '/nothing': () => ({ body: 'nothing' }),
        '/slow': async session => {
          session.setId(id)
          await session.set('before', 1)
          await session.close()
          asked.open()
          await gone.opened
          if (fails) failWith(new Error('down'), 'merge')
          await session.set('late', 2)
          return { body: 'nobody hears it' }
        },
      })
      const leave = askAndLeave(server, '/slow')
      await asked.opened
      leave()
      // By then the server has noticed.
      await ask(server, '/nothing')
      gone.open()
      if (fails) {
        const failure = expect.objectContaining({ code: 'ERR_STORAGE' })
        await eventually(() => expect([...reported, ...errors]).toContainEqual(failure))
        recover()
      } else {
        const data = () => manager.new(id).data()
        await eventually(async () => expect(await data()).toEqual({ before: 1, late: 2 }))
        expect(reported).toEqual([])
      }
    },
  )
}
