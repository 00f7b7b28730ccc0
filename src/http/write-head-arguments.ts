import type { NodeResponse } from './held-response.ts'

/** What a header may be, in the forms that `writeHead` takes. */
export type HeaderValue = string | number | readonly string[]

/** What `writeHead(status, [message], [headers])` was given behind the status. */
export interface HeadArguments {
  readonly message: string | undefined
  readonly headers: unknown
}

/** Of two that are no message, the second are the headers, as for Node. */
export function readHeadArguments([first, second]: readonly unknown[]): HeadArguments {
  return typeof first === 'string'
    ? { message: first, headers: second }
    : { message: undefined, headers: second ?? first }
}

/** Names and values of headers in any form that `writeHead` takes: an object, a flat list, a list of pairs. */
export function pairsOf(headers: unknown): readonly [string, HeaderValue][] {
  if (typeof headers !== 'object' || headers === null) return []
  if (!Array.isArray(headers)) return Object.entries(headers)
  return Array.isArray(headers[0]) ? headers : pairUp(headers)
}

/** Sets the headers that were given to `writeHead` as `setHeader` does, so that others can be added to them. */
export function absorbHeaders(response: NodeResponse, headers: unknown): void {
  const pairs = pairsOf(headers)
  if (!Array.isArray(headers)) {
    for (const [name, value] of pairs) response.setHeader(name, value)
    return
  }
  // A list may name a header several times; all of it replaces what was set of these names.
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) appendHeader(response, name, value)
}

/**
 * Adds a header's line to those that are there. The response's own `appendHeader` would add it to
 * the very array that the application gave, which may serve other visitors too.
 *
 * @throws what Node throws for a value that is none
 */
export function appendHeader(response: NodeResponse, name: string, value: HeaderValue): void {
  const before = response.getHeader(name)
  if (value === undefined || (before === undefined && typeof value === 'string')) {
    response.setHeader(name, value)
    return
  }
  const lines = [before ?? [], value].flat()
  response.setHeader(name, lines.length === 1 ? (lines[0] as HeaderValue) : lines.map(String))
}

function pairUp(list: readonly unknown[]): [string, HeaderValue][] {
  const pairs: [string, HeaderValue][] = []
  for (let index = 0; index < list.length; index += 2) {
    pairs.push([String(list[index]), list[index + 1] as HeaderValue])
  }
  return pairs
}
