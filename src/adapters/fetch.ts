import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import type { Session } from '../core/session.ts'
import {
  answerOf,
  checkArguments,
  FetchRun,
  type HttpSessionOptions,
  isResponse,
  resolveHttpOptions,
  runShared,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

/** The options of every adapter, and one of this one's own. */
export interface FetchSessionOptions extends HttpSessionOptions {
  /**
   * Answers a request whose handler threw, or whose session could not be saved. The client is told of
   * its id in that answer too.
   *
   * @default what was thrown is thrown on, for the framework to answer, which knows of no cookie
   */
  onError?: (error: unknown, request: Request) => Response | Promise<Response>
}

/** Gives a handler its session. What else the framework hands it comes after. */
export type WithSession<Data extends object> = <Incoming extends Request, Rest extends unknown[]>(
  handler: (
    request: Incoming,
    session: Session<Data>,
    ...rest: Rest
  ) => Response | Promise<Response>,
) => (request: Incoming, ...rest: Rest) => Promise<Response>

/**
 * Sessions for all that answers a `Request` with a `Response`: route handlers of Next.js, React Router
 * and SvelteKit, h3, Elysia, Bun.serve, Deno.serve. The session costs nothing until it is used, and is
 * saved before the response is handed on. A `Response` that is thrown is an answer like one returned.
 *
 * What is changed later, while the body is streamed, is saved as it comes; a failure of that is for the
 * manager's `onBackgroundError`.
 *
 * @example
 * export const GET = session(manager)(async (request, session) =>
 *   new Response(`${await session.update('views', (n = 0) => n + 1)}`))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: FetchSessionOptions = {},
): WithSession<Data> {
  checkArguments(manager, options)
  const { onError = throwOn, ...httpOptions } = options
  if (typeof onError !== 'function') refuseOption('onError', 'a function', onError)
  const settings = resolveHttpOptions(httpOptions, ['onError'])
  return handler =>
    (request, ...rest) => {
      const answerError = (error: unknown) => onError(error, request)
      let outer: FetchRun<Data> | undefined
      try {
        outer = FetchRun.around(request, manager, settings)
      } catch (error) {
        return answerInside(() => answerError(error))
      }
      const run = outer ?? new FetchRun(manager, settings, request)
      const application = () => handler(request, run.session, ...rest)
      if (outer === undefined) return answerOf(run, application, answerError)
      return answerInside(() => runShared(run, settings, application), answerError)
    }
}

/** Answers for an application whose session is saved, and told, by another around it. */
async function answerInside(
  application: () => Response | Promise<Response>,
  onError: (error: unknown) => Response | Promise<Response> = throwOn,
): Promise<Response> {
  try {
    return await application()
  } catch (error) {
    if (isResponse(error)) throw error
    return onError(error)
  }
}

function throwOn(error: unknown): never {
  throw error
}
