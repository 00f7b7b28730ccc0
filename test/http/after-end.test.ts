import type { ServerResponse } from 'node:http'
import { Manager } from 'gsession'
import { describe, expect, it } from 'vitest'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { serve } from '../helpers/http-servers.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'

const codeOf = (error?: Error | null): unknown => (error as NodeJS.ErrnoException | null)?.code

describe.each(['http', 'h2c'] as const)('when a response over %s is ended', kind => {
  /** What comes of an answer whose session changed behind the head, so that its end waits for a save. */
  async function askLate(answer: (response: ServerResponse) => void): Promise<string> {
    const manager = new Manager({ storage: delayWrites(50).storage })
    const server = await serve(kind, manager, async ({ url, session }, response) => {
      // Node tells of a write after the end here, and of it alone.
      response.on('error', () => undefined)
      if (url === '/late') response.write('head,')
      await session.set('user', url)
      if (url === '/late') answer(response)
      else response.end()
    })
    const cookie = cookieFrom(await ask(server))
    return askAs(cookie, server, '/late').then(
      ({ text }) => text,
      () => 'cut off',
    )
  }

  it('refuses what is written afterwards, though the end waits for a late save', async () => {
    const refused: unknown[] = []
    const text = await askLate(response => {
      response.end('one')
      response.write('two', error => refused.push(codeOf(error)))
    })

    // Over HTTP/2 node cuts off an answer that is written to after its end.
    expect(['head,one', ...(kind === 'h2c' ? ['cut off'] : [])]).toContain(text)
    expect(refused).toEqual(['ERR_STREAM_WRITE_AFTER_END'])
  })

  it('takes the first of two ends, though it waits for a late save', async () => {
    const text = await askLate(response => {
      response.end('one')
      response.end()
    })

    expect(text).toBe('head,one')
  })

  it('tells onError once of a late save that failed, however often the response was ended', async () => {
    const { storage, failWith } = failOnDemand()
    const errors: unknown[] = []
    const server = await serve(
      kind,
      new Manager({ storage }),
      async ({ url, session }, response) => {
        if (url === '/late') response.write('head,')
        await session.set('user', url)
        if (url === '/late') failWith(new Error('disk full'))
        response.end('one')
        response.end()
      },
      {
        onError(error, _request, response) {
          errors.push(error)
          response.destroy()
        },
      },
    )
    const cookie = cookieFrom(await ask(server))

    await askAs(cookie, server, '/late').catch(() => undefined)
    expect(errors).toHaveLength(1)
  })

  it('keeps the status that the response was ended with', async () => {
    const manager = new Manager({ storage: delayWrites(20).storage })
    const server = await serve(kind, manager, async ({ session }, response) => {
      await session.set('user', 'ann')
      response.statusCode = 201
      response.end('done')
      response.statusCode = 500
    })

    expect((await ask(server)).status).toBe(201)
  })
})
