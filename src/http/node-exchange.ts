import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { HttpExchange } from './exchange.ts'
import type { NodeResponse } from './held-response.ts'
import { appendHeader } from './write-head-arguments.ts'

/** A request of node:http, node:https or the compatibility side of node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A request and its response as the lifecycle sees them. */
export class NodeExchange implements HttpExchange {
  protected readonly request: NodeRequest
  protected readonly response: NodeResponse
  readonly isEncrypted: boolean
  #list: string[] | undefined

  constructor(request: NodeRequest, response: NodeResponse) {
    this.request = request
    this.response = response
    // Asked now: a connection over HTTP/2 cannot tell any more once the client has gone.
    this.isEncrypted = isEncrypted(request)
  }

  /** Whether the response is over, sent or cut off: its `close` event does not come any more. */
  get isClosed(): boolean {
    return 'stream' in this.response ? this.response.stream.destroyed : this.response.destroyed
  }

  requestHeader(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** The headers that some work sets, as a list instead of in the response, which has none. */
  protected listHeaders(work: () => void): string[] {
    const list: string[] = []
    this.#list = list
    work()
    this.#list = undefined
    return list
  }

  responseHeader(name: string): string | undefined {
    if (this.#list !== undefined) return valueIn(this.#list, name)
    const value = this.response.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }

  setHeader(name: string, value: string): void {
    if (this.#list === undefined) this.response.setHeader(name, value)
    else {
      const at = this.#list.indexOf(name)
      if (at === -1) this.#list.push(name, value)
      else this.#list[at + 1] = value
    }
  }

  appendHeader(name: string, value: string): void {
    if (this.#list === undefined) appendHeader(this.response, name, value)
    else this.#list.push(name, value)
  }
}

/** Whether a request came over TLS. */
export function isEncrypted(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.session?.encrypted === true
  return 'encrypted' in request.socket && request.socket.encrypted === true
}

function valueIn(list: readonly string[], name: string): string | undefined {
  const at = list.indexOf(name)
  return at === -1 ? undefined : list[at + 1]
}
