import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import express, { type RequestHandler } from 'express'
import express4 from 'express-4'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/express'
import { beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../helpers/http-client.ts'
import { listen, listenOn } from '../helpers/http-servers.ts'

const VERSIONS = { 'Express 5': express, 'Express 4': express4 }
const IS_OLD = Number.parseInt(process.versions.node, 10) < 24

type Pair = readonly [IncomingMessage, ServerResponse]

/** Whether V8 has a hidden class for an object. */
let hasClass: (target: object) => boolean

beforeAll(() => {
  setFlagsFromString('--allow-natives-syntax')
  hasClass = runInThisContext('target => %HasFastProperties(target)')
  // It is compiled when it is called first.
  expect(hasClass({})).toBe(true)
  setFlagsFromString('--no-allow-natives-syntax')
})

const middleware = () => session(new Manager({ storage: new StorageMemory() }))

describe.each(Object.entries(VERSIONS))('%s', (_, create) => {
  /** Answers one request of an application with a session, seen before the middleware and after it. */
  async function see<Seen>(look: (...pair: Pair) => Seen): Promise<Seen[]> {
    const seen: Seen[] = []
    const note: RequestHandler = (request, response, next) => {
      seen.push(look(request, response))
      next()
    }
    const app = create()
    app.use(note, middleware(), note, (_request, response) => {
      response.send('fine')
    })
    const { body } = await ask(await listenOn('http', createServer(app)))
    expect(String(body)).toBe('fine')
    return seen
  }

  it('has requests and responses in dictionary mode up to Node 22, where classes cost more', async () => {
    const [, modes] = await see((...pair) => pair.map(hasClass))
    expect(modes).toEqual([!IS_OLD, !IS_OLD])
  })

  it('keeps all properties of requests and responses as they were', async () => {
    const [before = [], after = []] = await see((...pair) =>
      pair.map(Object.getOwnPropertyDescriptors),
    )
    expect(before.map(each => Object.keys(each).length > 20)).toEqual([true, true])
    for (const [index, properties] of before.entries()) {
      expect(after[index]).toMatchObject(properties)
    }
  })
})

it('leaves a request and a response alone whose prototypes nobody changed', async () => {
  const seen: boolean[] = []
  const use = middleware()
  const server = await listen('http', (request, response) => {
    use(request, response, () => {
      seen.push(hasClass(request), hasClass(response))
      response.end()
    })
  })
  await ask(server)
  expect(seen).toEqual([true, true])
})
