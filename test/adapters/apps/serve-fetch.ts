import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { createAdaptorServer } from '@hono/node-server'
import { type Kind, listenOn, type TestServer, tlsOf } from '../../helpers/http-servers.ts'

type Fetch = (request: Request) => Response | Promise<Response>

const OF_KIND = {
  http: {},
  https: { createServer: createHttps, serverOptions: tlsOf() },
  h2c: { createServer: createHttp2 },
  h2: { createServer: createSecureServer, serverOptions: tlsOf() },
}

/** Serves what answers a `Request` with a `Response`, by `@hono/node-server`. */
export function serveFetch(kind: Kind, fetch: Fetch): Promise<TestServer> {
  return listenOn(kind, createAdaptorServer({ fetch, ...OF_KIND[kind] }))
}

/** The body of a response, from pieces of text that come over time. */
export function streamOf(pieces: AsyncIterable<string>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder()
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}
