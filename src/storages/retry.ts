import type { Awaitable } from '../core/atomic-storage.ts'
import { SessionError } from '../core/errors.ts'
import type { TimeLimit } from '../core/time-limit.ts'

/** So many others may come first, each of whom stored something, before a call gives up. */
const ATTEMPTS = 1000

/**
 * Tries until it succeeds: `attempt` answers `undefined` when somebody else came
 * first. At once: whoever waited would lose to those who do not.
 *
 * @throws {@link SessionError} `ERR_CONFLICT` when others kept coming first; `ERR_STORAGE` when the
 * time is over
 */
export async function retry<T>(
  deadline: TimeLimit,
  attempt: () => Awaitable<T | undefined>,
): Promise<T> {
  for (let failures = 0; failures < ATTEMPTS; failures++) {
    deadline.check()
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new SessionError('ERR_CONFLICT', `Others changed the session first, ${ATTEMPTS} times`)
}
