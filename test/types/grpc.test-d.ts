// Checked by the compiler, not run: each line that must not compile says so.

import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import { Manager, type Session } from 'gsession'
import { session, sessionOf, statusOf } from 'gsession/grpc'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Equal<Actual, Expected> extends true ? [] : [never]
) => void

interface Visit {
  views: number
}
const manager = new Manager<Visit>()

export const interceptor: ServerInterceptor = session(manager)
export const server = new Server({
  interceptors: [
    session(manager, { name: 'visitor', required: true, saveOnError: false, asyncContext: true }),
    // @ts-expect-error: there is no such option
    session(manager, { cookie: false }),
    // @ts-expect-error: a name is a text
    session(manager, { name: 1 }),
  ],
})

export const unary: handleUnaryCall<string, number> = (call, callback) => {
  expectType<Session>()(sessionOf(call))
  sessionOf(call)
    .update('views', (n: number = 0) => n + 1)
    .then(
      views => callback(null, views),
      error => callback(statusOf(error)),
    )
}
export const collect: handleClientStreamingCall<string, number> = (call, callback) => {
  callback(null, sessionOf(call).isDirty ? 1 : 0)
}
export const list: handleServerStreamingCall<string, string> = call => {
  sessionOf(call)
    .id()
    .catch(error => call.emit('error', statusOf(error)))
}
export const talk: handleBidiStreamingCall<string, string> = call => {
  expectType<Session>()(sessionOf(call))
}

expectType<Session>()(sessionOf({ metadata: new Metadata() }))
// @ts-expect-error: a call has metadata
sessionOf({})
// @ts-expect-error: these are no metadata of gRPC
sessionOf({ metadata: {} })
