import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { hasCode, isSessionError } from '../core/errors.ts'
import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import type { Session } from '../core/session.ts'
import { isThenable } from '../core/thenable.ts'
import {
  checkArguments,
  cutOff,
  type HttpSessionOptions,
  type NodeRequest,
  type NodeResponse,
  NodeRun,
  type PlacedSession,
  type PropertyName,
  resolveHttpOptions,
  SessionProperty,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

/** A request with its session, under the name that the option `property` gives. */
export type HasSession<Data extends object, Property extends string = 'session'> = {
  [Name in Property]: Session<Data>
}

type OnError = (error: unknown, request: NodeRequest, response: NodeResponse) => void

/** The options of every adapter, and one of this one's own. */
export interface NodeSessionOptions extends HttpSessionOptions {
  /**
   * Answers a request whose handler threw, or whose session could not be saved. What the handler had
   * answered is not sent. When the head has left already, the response is cut off instead. When `onError`
   * fails itself, the default answers for that.
   *
   * @default a plain 500 (409 for `ERR_GONE`: the session was removed meanwhile; 503 for a storage that is down), and
   * the error goes to stderr
   */
  onError?: OnError
}

/** Gives a request listener its session. The types follow the kind of server it is written for. */
export interface WithSession<Data extends object, Property extends string = 'session'> {
  (
    listener: (
      request: IncomingMessage & HasSession<Data, Property>,
      response: ServerResponse,
    ) => unknown,
  ): (request: IncomingMessage, response: ServerResponse) => void
  (
    listener: (
      request: Http2ServerRequest & HasSession<Data, Property>,
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
export function session<Data extends object, Property extends string = 'session'>(
  manager: Manager<Data>,
  options: NodeSessionOptions & { property?: Property } = {},
): WithSession<Data, PropertyName<Property>> {
  checkArguments(manager, options)
  const { onError = answerError, ...httpOptions } = options
  if (typeof onError !== 'function') refuseOption('onError', 'a function', onError)
  const settings = resolveHttpOptions(httpOptions, ['onError'])
  const property = new SessionProperty(settings)
  const withSession =
    (listener: Listener<Data>) => (request: NodeRequest, response: NodeResponse) => {
      let shared: PlacedSession | undefined
      try {
        shared = property.claim(request, manager)
      } catch (error) {
        return callOnError(onError, error, request, response)
      }
      const failed = (error: unknown): void =>
        run.run(() => callOnError(onError, error, request, response))
      const run =
        (shared as NodeRun<Data> | undefined) ??
        new NodeRun(manager, settings, request, response, failed)
      handle(run, () => listener(request as NodeRequest & HasSession<Data>, response), failed)
    }
  // One implementation serves both kinds of server; the overloads keep their types apart.
  return withSession as unknown as WithSession<Data, PropertyName<Property>>
}

type Listener<Data extends object> = (
  request: NodeRequest & HasSession<Data>,
  response: NodeResponse,
) => unknown

/** Runs a listener, and sees to what it throws. */
function handle<Data extends object>(
  run: NodeRun<Data>,
  listener: () => unknown,
  handlerFailed: (error: unknown) => void,
): void {
  const failed = (error: unknown): void => {
    run.handlerFailed()
    handlerFailed(error)
  }
  try {
    const result = run.run(listener)
    if (isThenable(result)) Promise.resolve(result).then(() => run.saveIfClosed(), failed)
  } catch (error) {
    failed(error)
  }
}

/** When `onError` fails itself, that is answered as by default. */
function callOnError(
  onError: OnError,
  error: unknown,
  request: NodeRequest,
  response: NodeResponse,
): void {
  const failed = (failure: unknown): void => answerError(failure, request, response)
  try {
    const result: unknown = onError(error, request, response)
    if (isThenable(result)) Promise.resolve(result).then(undefined, failed)
  } catch (failure) {
    failed(failure)
  }
}

function answerError(error: unknown, _request: NodeRequest, response: NodeResponse): void {
  const isGone = hasCode(error, 'ERR_GONE')
  // biome-ignore lint/suspicious/noConsole: what no framework logs would be lost; onError replaces it
  if (!isGone) console.error(error)
  if (response.writableEnded) return
  if (response.headersSent || response.destroyed) {
    cutOff(response)
    return
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  const status = statusOf(error)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end(isGone ? 'Conflict: the session has ended' : `${STATUS_CODES[status]}`)
}

function statusOf(error: unknown): number {
  return (isSessionError(error) ? error.status : undefined) ?? 500
}
