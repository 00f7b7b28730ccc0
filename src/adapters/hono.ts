import type { Context, MiddlewareHandler } from 'hono'
import type { Manager } from '../core/manager.ts'
import type { Register, RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import { isPromise } from '../core/thenable.ts'
import {
  ANSWER_HEADERS,
  checkArguments,
  copyPlaced,
  type Emitter,
  emitWithSession,
  FetchRun,
  findShared,
  type HttpSessionOptions,
  type NamedSession,
  type PropertyName,
  refuseAssignment,
  refuseTaken,
  resolveHttpOptions,
  runShared,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'hono' {
  interface ContextVariableMap extends RegisteredVariables {}
}

/**
 * The variables of an application whose handlers find their session at `c.var.session`, or at what the
 * option `property` gives.
 */
export type SessionVariables<
  Data extends object = RegisteredData,
  Property extends string = 'session',
> = {
  [Name in Property]: Session<Data>
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
export function session<Data extends object, Property extends string = 'session'>(
  manager: Manager<Data>,
  options: HttpSessionOptions & { property?: Property } = {},
): MiddlewareHandler<{ Variables: SessionVariables<Data, PropertyName<Property>> }> {
  checkArguments(manager, options)
  const settings = resolveHttpOptions(options)
  const { property } = settings
  return async (c, next) => {
    const { raw } = c.req
    // Other middlewares may have put another request in the place of the one that came.
    const isInside = copyPlaced(c, raw)
    const outer = isInside
      ? (findShared(raw, manager, settings) as FetchRun<Data> | undefined)
      : FetchRun.around(raw, manager, settings)
    // Used twice, it is one session all the same.
    if (outer !== undefined) {
      give(c, property, outer.session)
      return runShared(outer, settings, next)
    }
    const run = new FetchRun(manager, settings, raw)
    copyPlaced(raw, c)
    give(c, property, run.session)
    if (settings.asyncContext) emitOnNode(c.env as NodeBindings | undefined, run)
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

/** Lets handlers find their session, and refuses what would be put in its place. */
function give<Data extends object>(c: Context, property: string, session: Session<Data>): void {
  const { set } = c
  if (c.get(property) === undefined) set(property, session)
  else if (c.get(property) !== session) refuseTaken(property)
  c.set = (key: string, value: unknown) => {
    if (key === property && value !== session) refuseAssignment(property)
    set(key, value)
  }
}

/** What `@hono/node-server` hands to applications: the request and the response of Node. */
interface NodeBindings {
  readonly incoming?: Emitter
  readonly outgoing?: Emitter
}

function emitOnNode(bindings: NodeBindings | undefined, session: NamedSession): void {
  for (const emitter of [bindings?.incoming, bindings?.outgoing]) {
    if (typeof emitter?.emit === 'function') emitWithSession(emitter, session)
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
