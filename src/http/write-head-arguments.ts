import type { NodeResponse } from './held-response.ts'

/** What a header may be, in the forms that `writeHead` takes. */
type HeaderValue = string | number | readonly string[]

/**
 * Sets the headers that were given to `writeHead(status, [message], [headers])` as `setHeader` does,
 * so that others can be added to them. Answers the status message, if there is one.
 */
export function absorbHeaders(
  response: NodeResponse,
  rest: readonly unknown[],
): string | undefined {
  const [first, second] = rest
  const message = typeof first === 'string' ? first : undefined
  const headers = message === undefined ? (first ?? second) : second
  if (Array.isArray(headers)) absorbList(response, headers)
  else if (typeof headers === 'object' && headers !== null) {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value as HeaderValue)
    }
  }
  return message
}

/** A list is flat (name, value, name, value) or of pairs; it replaces what was set of these names. */
function absorbList(response: NodeResponse, list: readonly unknown[]): void {
  const pairs = Array.isArray(list[0]) ? (list as [string, HeaderValue][]) : pairUp(list)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) {
    appendHeader(response, name, value)
  }
}

/**
 * Adds a header's line to those that are there. The response's own `appendHeader` would add it to
 * the very array that the application gave, which may serve other visitors too.
 */
export function appendHeader(response: NodeResponse, name: string, value: HeaderValue): void {
  const lines = [response.getHeader(name) ?? [], value].flat().map(String)
  response.setHeader(name, lines.length === 1 ? lines.join() : lines)
}

function pairUp(list: readonly unknown[]): [string, HeaderValue][] {
  const pairs: [string, HeaderValue][] = []
  for (let index = 0; index + 1 < list.length; index += 2) {
    pairs.push([String(list[index]), list[index + 1] as HeaderValue])
  }
  return pairs
}
