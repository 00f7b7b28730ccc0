import type { IncomingMessage, ServerResponse } from 'node:http'

/** V8 from Node 24 on keeps hidden classes apart from prototypes. */
const NEEDS_DICTIONARIES = Number.parseInt(process.versions.node, 10) < 24

/**
 * Express gives each request and each response another prototype. Up to Node 22, V8 then makes a new
 * hidden class for every property that is added to one of them, at microseconds each, and finds nothing
 * by the classes it knows. In dictionary mode an object has no class of its own: Express with a session
 * answers more requests than Express without one (bench/README.md).
 */
export function enterDictionaryMode(request: IncomingMessage, response: ServerResponse): void {
  if (!NEEDS_DICTIONARIES || !('app' in request)) return
  putAnew(request, 'complete')
  putAnew(response, 'sendDate')
}

/** V8 goes over to dictionary mode when a property is removed that was not the last to come. */
function putAnew(target: object, key: string): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, key)
  if (descriptor === undefined || !Reflect.deleteProperty(target, key)) return
  Object.defineProperty(target, key, descriptor)
}
