import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { FrameworkRequest, HttpExchange } from './exchange.ts'
import { HeadList } from './head-list.ts'
import type { NodeResponse } from './held-response.ts'
import { appendHeader } from './write-head-arguments.ts'

/** A request of node:http, node:https or the compatibility side of node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A request and its response as the lifecycle sees them. */
export class NodeExchange implements HttpExchange {
  readonly request: NodeRequest
  protected readonly response: NodeResponse
  readonly isEncrypted: boolean
  readonly #framework: FrameworkRequest | undefined
  /** The head that is being written, when it is written as a list. */
  #list: HeadList | undefined

  constructor(request: NodeRequest, response: NodeResponse, framework?: FrameworkRequest) {
    this.request = request
    this.response = response
    this.#framework = framework
    // Asked now: a connection over HTTP/2 cannot tell any more once the client has gone.
    this.isEncrypted = isEncrypted(request)
  }

  get framework(): FrameworkRequest | undefined {
    return 'stream' in this.request && this.isClosed ? undefined : this.#framework
  }

  /** Whether the response is over, sent or cut off: its `close` event does not come any more. */
  get isClosed(): boolean {
    return 'stream' in this.response ? this.response.stream.destroyed : this.response.destroyed
  }

  requestHeader(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** These headers with those that some work sets, as a flat list instead of in the response. */
  protected listHeaders(headers: unknown, work: () => void): readonly unknown[] {
    const list = new HeadList(headers)
    this.#list = list
    try {
      work()
    } finally {
      this.#list = undefined
    }
    return list.entries
  }

  responseHeader(name: string): string | undefined {
    const value = this.#list === undefined ? this.response.getHeader(name) : this.#list.get(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }

  responseHeaderNames(): readonly string[] {
    return this.#list === undefined ? this.response.getHeaderNames() : this.#list.names()
  }

  setHeader(name: string, value: string): void {
    if (this.#list === undefined) this.response.setHeader(name, value)
    else this.#list.set(name, value)
  }

  appendHeader(name: string, value: string): void {
    if (this.#list === undefined) appendHeader(this.response, name, value)
    else this.#list.append(name, value)
  }
}

/** Whether a request came over TLS. */
export function isEncrypted(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.session?.encrypted === true
  return 'encrypted' in request.socket && request.socket.encrypted === true
}
