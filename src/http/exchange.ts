/** What the lifecycle needs of one request and its response; each adapter says how it is had. */
export interface HttpExchange {
  /** Whether the request came over TLS, as the connection itself says. */
  readonly isEncrypted: boolean
  /** A request header, `undefined` when it was not sent. The name is in lower case. */
  requestHeader(name: string): string | undefined
  /** A response header as it stands now. */
  responseHeader(name: string): string | undefined
  setHeader(name: string, value: string): void
  /** Adds one more header line of that name. */
  appendHeader(name: string, value: string): void
}
