/**
 * Whether something is to be waited for: a promise of any realm, or what ORMs and other libraries
 * have in its place. `Promise.resolve` makes a promise of all of them.
 */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}

/** The same for what this library made itself: if it is one at all, it is a promise. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return isThenable(value)
}
