import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '../core/errors.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'

/** A session, and the name under which its adapter puts it on a request. */
export interface NamedSession {
  readonly session: object
  readonly settings: { readonly property: string }
  /** What an adapter around this one put on the same request. */
  readonly before: NamedSession | undefined
}

const running = new AsyncLocalStorage<NamedSession>()

/**
 * The session of the request, connection or call that is running, from anywhere below its handler.
 * For adapters with the option `asyncContext`, since Node cannot follow a request for nothing.
 *
 * @param property - which one, for requests with several: the `property` of its adapter. By default
 * `session`, or when there is no such one that of the adapter that is nearest
 * @throws {@link SessionError} `ERR_CONTEXT` where no such request is running
 */
export function currentSession<Data extends object = RegisteredData>(
  property?: string,
): Session<Data> {
  const nearest = running.getStore()
  const found =
    named(nearest, property ?? 'session') ?? (property === undefined ? nearest : undefined)
  if (found !== undefined) return found.session as Session<Data>
  const reason = 'no request with a session is running here, or its adapter was not given'
  const which = property === undefined ? '' : ` under \`${property}\``
  const message = `There is no current session${which}: ${reason} \`asyncContext\``
  throw new SessionError('ERR_CONTEXT', message)
}

function named(nearest: NamedSession | undefined, property: string): NamedSession | undefined {
  let session = nearest
  while (session !== undefined && session.settings.property !== property) session = session.before
  return session
}

/** Runs what finds this session by {@link currentSession}, then and in all that it starts. */
export function runWithSession<Result>(session: NamedSession, work: () => Result): Result {
  return running.run(session, work)
}
