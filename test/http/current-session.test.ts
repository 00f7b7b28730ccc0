import { currentSession, Manager } from 'gsession'
import { describe, expect, it } from 'vitest'
import { ask } from '../helpers/http-client.ts'
import { KINDS, serve } from '../helpers/http-servers.ts'
import { failOnDemand } from '../helpers/http-storage.ts'

describe.each(KINDS)('currentSession over %s', kind => {
  it.each([
    ['throws', true],
    ['fails to be saved', false],
  ])('is there in onError, for a handler that %s, with asyncContext', async (_, throws) => {
    const { storage, failWith } = failOnDemand()
    if (!throws) failWith(new Error('down'), 'create')
    const found: unknown[] = []
    const server = await serve(
      kind,
      new Manager({ storage }),
      async ({ session }, response) => {
        found.push(session)
        await session.set('user', 'ann')
        if (throws) throw new Error('oops')
        response.end('fine')
      },
      {
        asyncContext: true,
        async onError(_error, _request, response) {
          await new Promise(resolve => setImmediate(resolve))
          found.push(currentSession())
          response.statusCode = 500
          response.end('sorry')
        },
      },
    )
    expect((await ask(server)).text).toBe('sorry')
    expect(found).toHaveLength(2)
    expect(found[1]).toBe(found[0])
  })
})
