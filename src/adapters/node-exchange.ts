import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { appendHeader, type HttpExchange, type NodeResponse } from '../http/index.ts'

/** A request of node:http, node:https or the compatibility side of node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A request and its response as the lifecycle sees them. */
export class NodeExchange implements HttpExchange {
  protected readonly request: NodeRequest
  protected readonly response: NodeResponse
  readonly isEncrypted: boolean

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

  responseHeader(name: string): string | undefined {
    const value = this.response.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }

  setHeader(name: string, value: string): void {
    this.response.setHeader(name, value)
  }

  appendHeader(name: string, value: string): void {
    appendHeader(this.response, name, value)
  }
}

function isEncrypted(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.session?.encrypted === true
  return 'encrypted' in request.socket && request.socket.encrypted === true
}
