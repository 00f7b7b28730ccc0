/** What the lifecycle needs of one request and its response; each adapter says how it is had. */
export interface HttpExchange {
  /** The request as `trustProxy` is given it. */
  readonly request: unknown
  /** Whether the request came over TLS, as the connection itself says. */
  readonly isEncrypted: boolean
  /** What the framework says of the request; absent where it says no more than the connection. */
  readonly framework?: FrameworkRequest | undefined
  /** A request header, `undefined` when it was not sent. The name is in lower case. */
  requestHeader(name: string): string | undefined
  /** A response header as it stands now. */
  responseHeader(name: string): string | undefined
  /** The names of the response's headers, in any letter case. */
  responseHeaderNames(): readonly string[]
  setHeader(name: string, value: string): void
  /** Adds one more header line of that name. */
  appendHeader(name: string, value: string): void
}

/** A request as a framework shows it, which may know of its proxy. */
export interface FrameworkRequest {
  /** Express, Koa */
  readonly secure?: unknown
  /** Fastify */
  readonly protocol?: unknown
  /** Fastify has it if it trusts a proxy; others always. */
  readonly ips?: unknown
  /** Express says by `get('trust proxy')`, Koa by `proxy` whether it trusts one. */
  readonly app?: { readonly proxy?: unknown; get?(name: string): unknown }
}
