import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'

/** Notes what passes through it, and hands on a copy of the request's metadata if it is told to. */
export function witness(seen: string[], name: string, copies = false): ServerInterceptor {
  return (_method, call: ServerInterceptingCallInterface) =>
    new ServerInterceptingCall(call, {
      start: next =>
        next({
          onReceiveMetadata(metadata: Metadata, pass) {
            seen.push(`${name} request`)
            pass(copies ? metadata.clone() : metadata)
          },
          onReceiveMessage(message, pass) {
            seen.push(`${name} hears a message`)
            pass(message)
          },
        }),
      sendMetadata(metadata, next) {
        const id = metadata.get('session-id').length === 0 ? '' : ' with an id'
        seen.push(`${name} metadata${id}`)
        next(metadata)
      },
      sendMessage(message, next) {
        seen.push(`${name} message`)
        next(message)
      },
      sendStatus(answer, next) {
        seen.push(`${name} status ${answer.code}`)
        next(answer)
      },
    })
}
