import type { Context, MiddlewareHandler } from 'hono'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import { Session } from '../core/session.ts'
import {
  type AnswerHead,
  FetchRun,
  type HttpSessionOptions,
  resolveHttpOptions,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The visitor's session; see `Register` of `gsession` for its type. */
    session: Session<RegisteredData>
  }
}

/** The variables of an application whose handlers find their session at `c.var.session`. */
export interface SessionVariables<Data extends object> {
  session: Session<Data>
}

/**
 * Sessions for Hono 4: the handlers after it find theirs at `c.var.session`. It costs nothing until it
 * is used, and is saved before the response is handed on. A save that fails goes to `app.onError`.
 *
 * What is changed later, while the body is streamed, is saved as it comes; a failure of that is for the
 * manager's `onBackgroundError`.
 *
 * @example
 * app.use(session(manager))
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
export function session<Data extends object>(
  manager: Manager<Data>,
  options: HttpSessionOptions = {},
): MiddlewareHandler<{ Variables: SessionVariables<Data> }> {
  const settings = resolveHttpOptions(options)
  return async (c, next) => {
    // Used twice, it is one session all the same.
    if (c.get('session') instanceof Session) return next()
    const run = new FetchRun(manager, settings, c.req.raw)
    c.set('session', run.session)
    try {
      await run.run(next)
    } catch (error) {
      run.handlerFailed()
      await run.finishUnanswered()
      throw error
    }
    if (c.error !== undefined) run.handlerFailed()
    if (run.isUsed) await run.finish(headOf(c))
  }
}

/** Hono makes a new response where the headers of one cannot be changed. */
function headOf(c: Context): AnswerHead {
  return {
    status: c.res.status,
    headers: {
      get: name => c.res.headers.get(name),
      set: (name, value) => c.header(name, value),
      append: (name, value) => c.header(name, value, { append: true }),
    },
  }
}
