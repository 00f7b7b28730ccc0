import { isReserved, RESERVED_KEY } from './changes.ts'
import { SessionError } from './errors.ts'

/** The key, if an application may use it. */
export function checkKey(key: unknown): string {
  if (typeof key === 'string' && !isReserved(key)) return key
  const expected = `a string that does not begin with "${RESERVED_KEY}", which the library keeps for itself`
  throw new SessionError('ERR_KEY', `Expected a session key to be ${expected}`)
}
