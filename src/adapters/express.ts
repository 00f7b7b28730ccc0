import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import {
  checkArguments,
  cutOff,
  type FrameworkRequest,
  type HttpSessionOptions,
  NodeRun,
  type PlacedSession,
  resolveHttpOptions,
  runShared,
  SessionProperty,
  UpgradeRun,
} from '../http/index.ts'
import { enterDictionaryMode } from './dictionary-mode.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare global {
  namespace Express {
    interface Request {
      /** The visitor's session; see `Register` of `gsession` for its type. */
      session: Session<RegisteredData>
    }
  }
}

/** A middleware of Express, Connect and whatever takes such. */
export type SessionMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Sessions for Express 4 and 5: the handlers after it find theirs at `request.session`. It costs
 * nothing until it is used, and is saved before the response leaves. A save that fails goes to your
 * error handler, in place of the answer. So does the `ERR_OPTION` of a request that comes to two adapters
 * which do not fit.
 *
 * @example
 * app.use(session(manager))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: HttpSessionOptions = {},
): SessionMiddleware {
  checkArguments(manager, options)
  const settings = resolveHttpOptions(options)
  const property = new SessionProperty(settings)
  return (request, response, next) => {
    enterDictionaryMode(request, response)
    let shared: PlacedSession | undefined
    try {
      shared = property.claim(request, manager)
    } catch (error) {
      return next(error)
    }
    // Used twice, for the application and for a router in it, it is one session all the same.
    if (shared !== undefined) return runShared(shared, settings, next)
    // engine.io runs middlewares for upgrades too, with what only looks like a response.
    const run =
      'getHeaderNames' in response
        ? new NodeRun(
            manager,
            settings,
            request,
            response,
            error => saveFailed(response, error, next),
            request as FrameworkRequest,
          )
        : new UpgradeRun(manager, settings, request)
    run.run(next)
  }
}

function saveFailed(
  response: ServerResponse,
  error: unknown,
  next: (error?: unknown) => void,
): void {
  const { headersSent } = response
  next(error)
  // An error handler may do no more than log: the client must not wait for the rest, nor take it.
  if (headersSent && !response.writableEnded) cutOff(response)
}
