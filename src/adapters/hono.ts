import type { Context, MiddlewareHandler } from 'hono'
import type { Manager } from '../core/manager.ts'
import type { Register, RegisteredData } from '../core/register.ts'
import { Session } from '../core/session.ts'
import { isPromise } from '../core/thenable.ts'
import {
  ANSWER_HEADERS,
  checkArguments,
  FetchRun,
  type HttpSessionOptions,
  resolveHttpOptions,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'hono' {
  interface ContextVariableMap extends RegisteredVariables {}
}

/** The variables of an application whose handlers find their session at `c.var.session`. */
export interface SessionVariables<Data extends object = RegisteredData> {
  session: Session<Data>
}

/**
 * What handlers find where the data type was told in `Register` of `gsession`. Hono adds this to an
 * application's own variables, which would not be exact any more if nothing was told.
 */
export type RegisteredVariables = Register extends { data: object }
  ? SessionVariables<RegisteredData>
  : object

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
  checkArguments(manager, options)
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
    // Hono has something to say to a handler that answered nothing.
    if (!c.finalized) return run.finishUnanswered()
    try {
      const finished = run.finish(c.res)
      // An `await` of what is there already would cost a turn.
      answer(c, isPromise(finished) ? await finished : finished)
    } catch (error) {
      answer(c, await run.finish(headOfErrorPage(c.res)))
      throw error
    }
  }
}

function answer(c: Context, response: Response): void {
  if (response === c.res) return
  // Else Hono would copy the headers of the one before into this one.
  c.res = undefined
  c.res = response
}

/** Hono gives an error page the headers of the answer before it: those of other middlewares, and ours. */
function headOfErrorPage({ headers }: Response): Response {
  const head = new Response(null, { headers })
  for (const name of ANSWER_HEADERS) head.headers.delete(name)
  return head
}
