import type { ServerInterceptor } from '@grpc/grpc-js'
import type { Manager } from '../core/manager.ts'
import { checkArguments } from '../http/index.ts'
import { SessionCall } from './grpc-call.ts'
import { type GrpcSessionOptions, resolveGrpcOptions } from './grpc-options.ts'

export { sessionOf } from './grpc-call.ts'
export type { GrpcSessionOptions } from './grpc-options.ts'
export { statusOf } from './grpc-status.ts'

/**
 * Sessions for servers of `@grpc/grpc-js`: a handler finds its own by {@link sessionOf}. It costs
 * nothing until it is used. What was changed is saved before the initial metadata, a message or the
 * status leaves after it; a new id is told in the initial metadata. A save that fails becomes the
 * status of the call. A stream ends with `UNAUTHENTICATED` when the session that it uses ends.
 *
 * @example
 * const server = new Server({ interceptors: [session(manager)] })
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: GrpcSessionOptions = {},
): ServerInterceptor {
  checkArguments(manager, options)
  const settings = resolveGrpcOptions(options)
  return (method, call) => new SessionCall(manager, settings, method, call)
}
