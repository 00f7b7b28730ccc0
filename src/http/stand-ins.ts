import type { HeldResponse, NodeResponse } from './held-response.ts'

/** The methods through which a head can leave, as both kinds of response have them. */
export interface Methods {
  writeHead(status: number, ...rest: unknown[]): unknown
  write(...args: unknown[]): boolean
  end(...args: unknown[]): unknown
  flushHeaders(): void
}

/** The methods that change a head. */
export interface HeadMethods {
  setHeader(...args: unknown[]): unknown
  appendHeader(...args: unknown[]): unknown
  removeHeader(...args: unknown[]): unknown
}

/** Where a response keeps what holds it, for the methods that stand in for its own. */
export const HELD: unique symbol = Symbol('gsession.held')

export interface HeldMethods extends Methods {
  [HELD]: HeldResponse
}

/** The same functions for every response: an untouched session shall cost next to nothing. */
export const standIns: Methods = {
  writeHead(this: HeldMethods, status, ...rest) {
    return this[HELD].hasFailed ? this : this[HELD].writeHead(status, rest)
  },
  write(this: HeldMethods, ...args) {
    return !this[HELD].hasFailed && this[HELD].write(args)
  },
  end(this: HeldMethods, ...args) {
    return this[HELD].hasFailed ? this : this[HELD].end(args)
  },
  flushHeaders(this: HeldMethods) {
    if (!this[HELD].hasFailed) this[HELD].flushHeaders()
  },
}

/**
 * Those for the answer in place of one that was dropped. What wrapped the first ones, to compress for
 * example, has ended its answer and goes on sending that, to nobody.
 */
export const standInsAfterFailure: Methods = {
  writeHead(this: HeldMethods, status, ...rest) {
    return this[HELD].writeHead(status, rest)
  },
  write(this: HeldMethods, ...args) {
    return this[HELD].write(args)
  },
  end(this: HeldMethods, ...args) {
    return this[HELD].end(args)
  },
  flushHeaders(this: HeldMethods) {
    this[HELD].flushHeaders()
  },
}

const headStandIns: HeadMethods = {
  setHeader(this: HeldMethods, ...args) {
    return this[HELD].changeHead('setHeader', args)
  },
  appendHeader(this: HeldMethods, ...args) {
    return this[HELD].changeHead('appendHeader', args)
  },
  removeHeader(this: HeldMethods, ...args) {
    return this[HELD].changeHead('removeHeader', args)
  },
}

/** Lets what holds the response decide who may change its head. Answers the methods that did so before. */
export function guardHead(response: NodeResponse): HeadMethods {
  const target = response as unknown as HeadMethods
  const { setHeader, appendHeader, removeHeader } = target
  target.setHeader = headStandIns.setHeader
  target.appendHeader = headStandIns.appendHeader
  target.removeHeader = headStandIns.removeHeader
  return { setHeader, appendHeader, removeHeader }
}

/**
 * What lets the application see what it has done, though it is held back: a second head must fail as
 * it does without us. The same two getters for every response, which engines keep fast.
 */
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get(this: HeldMethods) {
    return this[HELD].seemsToHaveSentHead || ownFlag(this, 'headersSent')
  },
}
const WRITABLE_ENDED: PropertyDescriptor = {
  configurable: true,
  get(this: HeldMethods) {
    return this[HELD].seemsToHaveEnded || ownFlag(this, 'writableEnded')
  },
}

/** (One by one: `defineProperties` takes twice as long.) */
export function pretendToHaveSent(response: NodeResponse): void {
  Object.defineProperty(response, 'headersSent', HEADERS_SENT)
  Object.defineProperty(response, 'writableEnded', WRITABLE_ENDED)
}

/** What the response itself says. */
export function ownFlag(response: object, name: 'headersSent' | 'writableEnded'): boolean {
  return Reflect.get(Object.getPrototypeOf(response), name, response)
}
