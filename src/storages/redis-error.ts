import { codeOf, isError, SessionError } from '../core/errors.ts'

/**
 * A client's error as `ERR_STORAGE`. What the client says may hold the command with its arguments,
 * and so ids and data: what is passed on is the name, the code and the message without them.
 */
export function redisError(error: unknown, redisKeys: readonly string[]): SessionError {
  const message = redact(describe(error), redisKeys)
  const cause = Object.assign(new Error(message), { name: nameOf(error), ...codeIn(error) })
  return new SessionError('ERR_STORAGE', `The Redis session storage failed: ${message}`, { cause })
}

function describe(error: unknown): string {
  if (!isError(error)) return String(error)
  // node-redis has errors whose class says it all, with an empty message.
  return error.message === '' ? error.constructor.name : error.message
}

function redact(message: string, redisKeys: readonly string[]): string {
  let text = message.replace(/,? with args beginning with:.*/s, '')
  for (const redisKey of redisKeys) text = text.replaceAll(redisKey, '<key>')
  return text
}

function nameOf(error: unknown): string {
  return isError(error) ? error.name : 'Error'
}

function codeIn(error: unknown): { code?: string } {
  const code = codeOf(error)
  return code === undefined ? {} : { code }
}
