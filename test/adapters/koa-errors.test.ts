import { Readable } from 'node:stream'
import { Manager } from 'gsession'
import type { Middleware } from 'koa'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { ask } from '../helpers/http-client.ts'
import { sessionCookies } from '../helpers/http-cookies.ts'
import { failOnDemand } from '../helpers/http-storage.ts'
import { type KoaOptions, startKoa, userOf, versions } from './koa-lab.ts'

describe.each(versions)('the errors of %s', (_, Version) => {
  const start = (handler: Middleware, options?: KoaOptions) => startKoa(Version, handler, options)

  it('tells the id on the error page of Koa, which drops all other headers', async () => {
    const { server, errors } = await start(async context => {
      context.set('x-own', 'yes')
      await context.session.set('user', 'ann')
      throw new Error('oops')
    })
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([500, 'Internal Server Error'])
    expect(answer.headers).not.toHaveProperty('x-own')
    expect(errors).toEqual([expect.objectContaining({ message: 'oops' })])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it('saves what was set before ctx.throw(401)', async () => {
    const { server } = await start(async context => {
      await context.session.set('user', 'ann')
      context.throw(401, 'who are you?')
    })
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([401, 'who are you?'])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it('answers a save that fails with the error page of Koa', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error('down'))
    const { server, errors } = await start(
      async context => {
        await context.session.set('user', 'ann')
        context.body = 'a success'
      },
      { manager: new Manager({ storage }) },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    expect(sessionCookies(answer)).toEqual([])
  })

  it('answers once when both the handler and the save fail', async () => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error('down'))
    const { server, errors } = await start(
      async context => {
        await context.session.set('user', 'ann')
        throw new Error('oops')
      },
      { manager: new Manager({ storage }) },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
    expect(errors).toEqual([
      expect.objectContaining({ message: 'oops' }),
      expect.objectContaining({ code: 'ERR_STORAGE' }),
    ])
  })

  it('lets a middleware before it answer the error, and tells the id there', async () => {
    const answerError: Middleware = async (context, next) => {
      try {
        await next()
      } catch (error) {
        context.status = 418
        context.body = { error: String(error) }
      }
    }
    const { server, errors } = await start(
      async context => {
        await context.session.set('user', 'ann')
        throw new Error('oops')
      },
      { before: [answerError] },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([418, '{"error":"Error: oops"}'])
    expect(errors).toEqual([])
    expect(await userOf(server, answer)).toBe('ann')
  })

  it.each([
    ['at once', false],
    ['after the middlewares', true],
  ])('reports once that such a response could not be saved (%s)', async (_, isLater) => {
    const { storage, failWith } = failOnDemand()
    failWith(new Error('down'))
    const { server, errors } = await start(
      async context => {
        context.respond = false
        await context.session.set('user', 'ann')
        if (isLater) setImmediate(() => context.res.end('a success'))
        else context.res.end('a success')
      },
      { manager: new Manager({ storage }) },
    )
    const answer = await ask(server)
    expect([answer.status, answer.text]).toEqual([503, 'Service Unavailable'])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
  })

  it('cuts off a streamed body whose save fails, and reports it', async () => {
    const { storage, failWith } = failOnDemand()
    const head = makeGate()
    const { server, errors } = await start(
      async context => {
        await context.session.set('user', 'ann')
        const pieces = async function* () {
          yield 'a'
          await head.opened
          failWith(new Error('down'))
          await context.session.set('user', 'bob')
          yield 'b'
        }
        context.body = Readable.from(pieces())
      },
      { manager: new Manager({ storage }) },
    )
    await expect(ask(server, '/', { onHead: head.open })).rejects.toThrow()
    await eventually(() =>
      expect(errors).toContainEqual(expect.objectContaining({ code: 'ERR_STORAGE' })),
    )
  })
})
