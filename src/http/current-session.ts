import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '../core/errors.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'

const running = new AsyncLocalStorage<Session<never>>()

/**
 * The session of the request, connection or call that is running, from anywhere below its handler.
 * For adapters with the option `asyncContext`, since Node cannot follow a request for nothing.
 *
 * @throws {@link SessionError} `ERR_CONTEXT` where no such request is running
 */
export function currentSession(): Session<RegisteredData> {
  const session = running.getStore()
  if (session !== undefined) return session as unknown as Session<RegisteredData>
  const reason = 'no request with a session is running here, or its adapter was not given'
  throw new SessionError('ERR_CONTEXT', `There is no current session: ${reason} \`asyncContext\``)
}

/** Runs what finds this session by {@link currentSession}, then and in all that it starts. */
export function runWithSession<Data extends object, Result>(
  session: Session<Data>,
  work: () => Result,
): Result {
  return running.run(session as unknown as Session<never>, work)
}
