import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { HttpExchange, NodeResponse } from '../http/index.ts'

/** A request of node:http, node:https or the compatibility side of node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A request and its response as the lifecycle sees them. */
export class NodeExchange implements HttpExchange {
  protected readonly request: NodeRequest
  protected readonly response: NodeResponse

  constructor(request: NodeRequest, response: NodeResponse) {
    this.request = request
    this.response = response
  }

  get isEncrypted(): boolean {
    return 'encrypted' in this.request.socket && this.request.socket.encrypted === true
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
    this.response.appendHeader(name, value)
  }
}
