import { type ServerErrorResponse, type StatusObject, status } from '@grpc/grpc-js'
import { isSessionError, type SessionErrorCode } from '../core/errors.ts'

/** A status as clients are told it: the texts name no id, and nothing of the storage. */
export interface CallStatus {
  readonly code: status
  readonly details: string
}

const UNAVAILABLE = { code: status.UNAVAILABLE, details: 'The session storage is unavailable' }
const STATUSES: Readonly<Partial<Record<SessionErrorCode, CallStatus>>> = {
  ERR_STORAGE: UNAVAILABLE,
  ERR_CLOSED: UNAVAILABLE,
  ERR_GONE: { code: status.ABORTED, details: 'The session has ended meanwhile' },
  ERR_CONFLICT: { code: status.ABORTED, details: 'Others kept changing the session' },
}
const INTERNAL: CallStatus = { code: status.INTERNAL, details: 'The session failed' }
const UNKNOWN: CallStatus = { code: status.UNKNOWN, details: 'Unknown error' }

export const NO_SESSION: CallStatus = {
  code: status.UNAUTHENTICATED,
  details: 'This call needs a session',
}
export const SESSION_ENDED: CallStatus = {
  code: status.UNAUTHENTICATED,
  details: 'The session has ended',
}

/** What a call ends with whose session could not be read or saved. */
export function statusOfFailure(error: unknown): CallStatus {
  return (isSessionError(error) ? STATUSES[error.code] : undefined) ?? INTERNAL
}

/**
 * What a handler answers for an error that it caught, as `callback(statusOf(error))`, or in a stream
 * `call.emit('error', statusOf(error))`. An error of a session becomes `UNAVAILABLE` (the storage is
 * down), `ABORTED` (the session is gone, or others kept changing it) or `INTERNAL`, with a text that
 * gives nothing away. Any other error is answered as it is, for grpc-js.
 */
export function statusOf(error: unknown): ServerErrorResponse | Partial<StatusObject> {
  if (isSessionError(error)) return statusOfFailure(error)
  return typeof error === 'object' && error !== null ? error : UNKNOWN
}
