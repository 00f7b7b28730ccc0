import { messageOf } from '../core/errors.ts'

/** Two keys of one step are on different nodes, as a server says that the client does not know for a Cluster. */
export function isOfTwoSlots(error: unknown): boolean {
  return /CROSSSLOT|same slot|non local key/i.test(messageOf(error))
}

/** The key is of another type than the sessions of the storage. */
export function isOfOtherType(error: unknown): boolean {
  return messageOf(error).includes('WRONGTYPE')
}

/** The server takes only scripts that name each of their keys as `KEYS[n]`, and publish nothing. */
export function isStrictAboutKeys(error: unknown): boolean {
  return /bad lua script|KEYS array|KEYS should/i.test(messageOf(error))
}

/** No script may be run: an access control list forbids it, or the command was renamed. */
export function isScriptForbidden(error: unknown): boolean {
  const message = messageOf(error)
  return !message.includes('NOSCRIPT') && /\beval(?:sha)?\b/i.test(message)
}

/** The server does not know an option or a command that Redis has from 7.0 on. */
export function isTooOld(message: string): boolean {
  return /^ERR (?:syntax error|wrong number of arguments|unsupported option|.*unknown redis command)/is.test(
    message,
  )
}
