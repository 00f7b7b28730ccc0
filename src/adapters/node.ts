import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { SessionError } from '../core/errors.ts'
import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import type { Session } from '../core/session.ts'
import {
  HeldResponse,
  HttpLifecycle,
  type HttpSessionOptions,
  type HttpSettings,
  type NodeResponse,
  resolveHttpOptions,
} from '../http/index.ts'
import { NodeExchange, type NodeRequest } from './node-exchange.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

/** A request with its session. */
export interface HasSession<Data extends object> {
  session: Session<Data>
}

/** The options of every adapter, and one of this one's own. */
export interface NodeSessionOptions extends HttpSessionOptions {
  /**
   * Answers a request whose handler threw, or whose session could not be saved. What the handler had
   * answered is not sent. When the head has left already, the response is cut off instead.
   *
   * @default a plain 500 (409 for `ERR_GONE`: the session was removed meanwhile), and the error goes to stderr
   */
  onError?: (error: unknown, request: NodeRequest, response: NodeResponse) => void
}

/** Gives a request listener its session. The types follow the kind of server it is written for. */
export interface WithSession<Data extends object> {
  (
    listener: (request: IncomingMessage & HasSession<Data>, response: ServerResponse) => unknown,
  ): (request: IncomingMessage, response: ServerResponse) => void
  (
    listener: (
      request: Http2ServerRequest & HasSession<Data>,
      response: Http2ServerResponse,
    ) => unknown,
  ): (request: Http2ServerRequest, response: Http2ServerResponse) => void
}

/**
 * Sessions for node:http, node:https and node:http2: the listener finds its session at
 * `request.session`. It costs nothing until it is used, and is saved before the response leaves.
 *
 * @example
 * createServer(session(manager)(async (request, response) => {
 *   response.end(`${await request.session.update('views', (n = 0) => n + 1)}`)
 * }))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: NodeSessionOptions = {},
): WithSession<Data> {
  const { onError = answerError, ...httpOptions } = options
  if (typeof onError !== 'function') refuseOption('onError', 'a function', onError)
  const settings = resolveHttpOptions(httpOptions)
  const withSession =
    (listener: Listener<Data>) => (request: NodeRequest, response: NodeResponse) =>
      new NodeRun(manager, settings, request, response, onError).handle(listener)
  // One implementation serves both kinds of server; the overloads keep their types apart.
  return withSession as unknown as WithSession<Data>
}

type OnError = NonNullable<NodeSessionOptions['onError']>
type Listener<Data extends object> = (
  request: NodeRequest & HasSession<Data>,
  response: NodeResponse,
) => unknown

/** One request on its way through a listener. */
class NodeRun<Data extends object> extends NodeExchange {
  readonly #onError: OnError
  readonly #lifecycle: HttpLifecycle<Data>
  readonly #held: HeldResponse

  constructor(
    manager: Manager<Data>,
    settings: HttpSettings,
    request: NodeRequest,
    response: NodeResponse,
    onError: OnError,
  ) {
    super(request, response)
    this.#onError = onError
    this.#lifecycle = new HttpLifecycle(manager, settings, this, this)
    this.#held = new HeldResponse(response, this)
  }

  handle(listener: Listener<Data>): void {
    const request = this.request as NodeRequest & HasSession<Data>
    request.session = this.#lifecycle.session
    try {
      const result = listener(request, this.response)
      if (result instanceof Promise) {
        result.then(
          () => this.#saveIfClosed(),
          error => this.#handlerFailed(error),
        )
      }
    } catch (error) {
      this.#handlerFailed(error)
    }
  }

  get headHasLeft(): boolean {
    return this.#held.headHasLeft
  }

  get hasEnded(): boolean {
    return this.#held.hasEnded
  }

  /** The first change of the session in this request. */
  changed(): void {
    // A client that goes away does not take with it what was promised to be saved.
    this.response.once('close', () => this.#saveIfClosed())
  }

  get isUsed(): boolean {
    return this.#lifecycle.isUsed
  }

  get needsSave(): boolean {
    return this.#lifecycle.needsSave
  }

  save(): Promise<void> {
    return this.#lifecycle.save()
  }

  writeHead(): void {
    this.#lifecycle.writeHead()
  }

  listHead(): string[] {
    return this.listHeaders(() => this.#lifecycle.writeHead())
  }

  failed(error: unknown): void {
    this.#lifecycle.abandon()
    this.#onError(error, this.request, this.response)
  }

  #saveIfClosed(): void {
    if (!this.isClosed || !this.#lifecycle.needsSave) return
    this.#lifecycle.session.close().catch(error => this.failed(error))
  }

  #handlerFailed(error: unknown): void {
    this.#lifecycle.handlerFailed()
    this.#onError(error, this.request, this.response)
  }
}

function answerError(error: unknown, _request: NodeRequest, response: NodeResponse): void {
  const isGone = error instanceof SessionError && error.code === 'ERR_GONE'
  // biome-ignore lint/suspicious/noConsole: what no framework logs would be lost; onError replaces it
  if (!isGone) console.error(error)
  if (response.writableEnded) return
  if (response.headersSent || response.destroyed) {
    cutOff(response)
    return
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  response.statusCode = isGone ? 409 : 500
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(isGone ? 'Conflict: the session has ended' : 'Internal Server Error')
}

/** RFC 9113 7. */
const INTERNAL_ERROR = 2

/** Ends a response such that the client cannot take what it got for the whole. */
function cutOff(response: NodeResponse): void {
  if ('stream' in response) response.stream.close(INTERNAL_ERROR)
  else response.destroy()
}
