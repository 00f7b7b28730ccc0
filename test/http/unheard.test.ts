import { describe, expect, it } from 'vitest'
import { Manager, StorageMemory } from '../../src/index.ts'
import { ERROR_PAGE } from '../adapters/adapter.ts'
import { type Start, unheardContract } from '../adapters/unheard-contract.ts'
import { ask } from '../helpers/http-client.ts'
import { KINDS, serve } from '../helpers/http-servers.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'

allowNoUnhandledRejections()

describe.each(KINDS)('a change that nobody waits for, over %s', kind => {
  const start: Start = async (manager, routes) => {
    const errors: unknown[] = []
    const server = await serve(
      kind,
      manager,
      async (request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
        const question = { method: `${request.method}`, query: searchParams, text: '' }
        const reply = await routes[pathname]?.(request.session, question)
        response.end(reply?.body)
      },
      {
        onError(error, _request, response) {
          errors.push(error)
          response.statusCode = 500
          response.end(ERROR_PAGE)
        },
      },
    )
    return { server, errors }
  }

  unheardContract(start)

  it('is answered by a handler that throws at once as by one that waits', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const { server, errors } = await start(manager, {
      '/': session => {
        void session.set('a', Symbol('a'))
        throw new Error('oops')
      },
    })
    expect((await ask(server)).text).toBe(ERROR_PAGE)
    expect(errors[0]).toMatchObject({ message: 'oops' })
  })

  it('is answered by a default when `onError` fails itself', async () => {
    for (const onError of [() => Promise.reject(new Error('no')), throwNo]) {
      const manager = new Manager({ storage: new StorageMemory() })
      const server = await serve(
        kind,
        manager,
        (request, response) => {
          void request.session.set('a', Symbol('a'))
          response.end('a success')
        },
        { onError: onError as () => void },
      )
      const answer = await ask(server)
      expect([answer.status, answer.text]).toEqual([500, 'Internal Server Error'])
    }
  })
})

function throwNo(): never {
  throw new Error('no')
}
