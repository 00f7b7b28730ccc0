import { SessionError } from './errors.ts'

const views = new WeakMap<object, object>()

/**
 * A view of a value that reads like it and refuses every change, at any depth. A change to what
 * `get` returned would never be saved; here it fails at once, and says what to do instead.
 */
export function readOnly<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  let view = views.get(value)
  if (view === undefined) {
    view = new Proxy<object>(value, HANDLER)
    views.set(value, view)
  }
  return view as T
}

const HANDLER: ProxyHandler<object> = {
  get: (target, key, receiver) => readOnly(Reflect.get(target, key, receiver)),
  getOwnPropertyDescriptor(target, key) {
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key)
    // An array's length cannot be reported otherwise than it is, and is a number anyway.
    if (descriptor?.configurable) descriptor.value = readOnly(descriptor.value)
    return descriptor
  },
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  setPrototypeOf: refuse,
  preventExtensions: refuse,
}

function refuse(): never {
  const advice = 'use `update(key, fn)` to change it, or change a copy and `set` that'
  throw new SessionError('ERR_VALUE', `What a session returned is read-only: ${advice}`)
}
