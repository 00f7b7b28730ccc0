import { codeOf, isError, SessionError } from '../core/errors.ts'
import { isTooOld } from './redis-refusal.ts'

/** What the server answers then tells nobody what is wrong. */
const TOO_OLD = 'The session storage needs Redis 7.0 or newer, or Valkey, and this server is older'
/** So long an id is not part of any word. */
const TELLING_LENGTH = 16

/**
 * A client's error as `ERR_STORAGE`. What the client says may hold the command with its arguments,
 * and so ids and data: what is passed on is the name, the code and the message without them.
 */
export function redisError(error: unknown, redisKeys: readonly string[]): SessionError {
  const message = redact(describe(error), redisKeys)
  const cause = Object.assign(new Error(message), { name: nameOf(error), ...codeIn(error) })
  const failure = isTooOld(message) ? TOO_OLD : 'The Redis session storage failed'
  return new SessionError('ERR_STORAGE', `${failure}: ${message}`, { cause })
}

function describe(error: unknown): string {
  if (!isError(error)) return String(error)
  // node-redis has errors whose class says it all, with an empty message.
  return error.message === '' ? error.constructor.name : error.message
}

function redact(message: string, redisKeys: readonly string[]): string {
  let text = message.replace(/,? with args beginning with:.*/s, '')
  for (const redisKey of redisKeys) {
    text = text.replaceAll(redisKey, '<key>')
    // A server may have escaped what stands before the id.
    const [id = ''] = /[A-Za-z0-9_-]*$/.exec(redisKey) ?? []
    if (id.length >= TELLING_LENGTH) text = text.replaceAll(id, '<id>')
  }
  return text
}

function nameOf(error: unknown): string {
  return isError(error) ? error.name : 'Error'
}

function codeIn(error: unknown): { code?: string } {
  const code = codeOf(error)
  return code === undefined ? {} : { code }
}
