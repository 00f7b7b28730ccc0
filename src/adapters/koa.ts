import type { Middleware, ParameterizedContext } from 'koa'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import {
  checkArguments,
  cutOff,
  type HttpSessionOptions,
  NodeRun,
  resolveHttpOptions,
  runShared,
  SessionProperty,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'koa' {
  interface DefaultContext {
    /** The visitor's session; see `Register` of `gsession` for its type. */
    session: Session<RegisteredData>
  }
}

/**
 * Sessions for Koa 2 and 3: the middlewares after it find theirs at `ctx.session`. It costs nothing
 * until it is used, and is saved before the response leaves. A save that fails is thrown, so that it
 * reaches the middlewares before this one and Koa's own error handling.
 *
 * @example
 * app.use(session(manager))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: HttpSessionOptions = {},
): Middleware {
  checkArguments(manager, options)
  const settings = resolveHttpOptions(options)
  const property = new SessionProperty(settings, requestOf)
  return async (context, next) => {
    const shared = property.claim(context, manager)
    // Used twice, it is one session all the same.
    if (shared !== undefined) return runShared(shared, settings, next)
    const run = new NodeRun(
      manager,
      settings,
      context.req,
      context.res,
      error => saveFailed(context, error),
      context,
    )
    try {
      await run.run(next)
    } catch (error) {
      run.handlerFailed()
      throw error
    }
    await run.saveEarly()
  }
}

function requestOf(context: object): object {
  return (context as ParameterizedContext).req
}

/** The save that failed was one after the middlewares were done, of what a stream changed. */
function saveFailed(context: ParameterizedContext, error: unknown): void {
  context.onerror(error as Error)
  if (!context.res.writableEnded) cutOff(context.res)
}
