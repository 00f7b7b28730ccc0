/**
 * What went wrong, for programs. Codes never change their meaning; messages may.
 *
 * | code | what happened |
 * |---|---|
 * | `ERR_OPTION` | an option was given a value it does not take |
 * | `ERR_ID` | the application chose an id that is not of an id's shape |
 * | `ERR_KEY` | a key is not a string, or begins with `__gsession`, which the library keeps for itself |
 * | `ERR_VALUE` | a value is not data that a session can keep |
 * | `ERR_STARTED` | `setId` or `setIdFunc` came after the session had started |
 * | `ERR_GONE` | the session was removed, regenerated or expired while this request was using it |
 * | `ERR_CONFLICT` | others kept changing the session, or kept taking the new id, until the retries ran out |
 * | `ERR_STORAGE` | the storage failed; `cause` says why. Never means that there is no session |
 * | `ERR_UNREADABLE` | the stored bytes are not a session record; they were kept aside |
 * | `ERR_DISABLED` | the storage does not offer this method |
 * | `ERR_CLOSED` | the storage was used after it was closed |
 * | `ERR_HEADERS_SENT` | the session was changed when the response could no longer say so |
 * | `ERR_CONTEXT` | `currentSession` was called where no request with a session is running |
 */
export type SessionErrorCode =
  | 'ERR_OPTION'
  | 'ERR_ID'
  | 'ERR_KEY'
  | 'ERR_VALUE'
  | 'ERR_STARTED'
  | 'ERR_GONE'
  | 'ERR_CONFLICT'
  | 'ERR_STORAGE'
  | 'ERR_UNREADABLE'
  | 'ERR_DISABLED'
  | 'ERR_CLOSED'
  | 'ERR_HEADERS_SENT'
  | 'ERR_CONTEXT'

/**
 * The one error class of this library. Decide by `code`; `cause` carries the storage's own error.
 * No message, field or cause made here ever contains a session id: an id is a credential.
 */
export class SessionError extends Error {
  override readonly name: string = 'SessionError'
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * What a storage answers for a method that it does not offer; {@link StorageBase} does so for all
 * eleven. A session then works with what the storage does offer.
 */
export const ErrorDisabled: SessionError = new SessionError(
  'ERR_DISABLED',
  'This method is disabled in this storage',
)

/** Whether an error, or an error that it wraps, is {@link ErrorDisabled}. */
export function isDisabled(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof SessionError && current.code === 'ERR_DISABLED') return true
  }
  return false
}

/** The storage's error as the `cause` of an `ERR_STORAGE`; a `SessionError` stays what it is. */
export function storageError(error: unknown): SessionError {
  if (error instanceof SessionError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new SessionError('ERR_STORAGE', `The session storage failed: ${reason}`, { cause: error })
}

/** What a change meets that comes after its session went away. */
export function sessionGone(): SessionError {
  const reason = 'it was removed, regenerated or expired since it was loaded'
  const message = `The session is gone: ${reason}. The changes were not stored`
  return new SessionError('ERR_GONE', message)
}
