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
 * The status of the answer to a request that failed for this, where it is not an ordinary 500: the
 * session ended meanwhile, or the storage is down.
 */
const STATUSES: Readonly<Partial<Record<SessionErrorCode, 409 | 503>>> = {
  ERR_GONE: 409,
  ERR_STORAGE: 503,
  ERR_CLOSED: 503,
}
const STATUS_TEXTS = {
  409: 'Conflict: the session has ended',
  503: 'Service Unavailable',
} as const

/**
 * The one error class of this library. Decide by `name` and `code`, never by `instanceof`: there may
 * be two copies of the package, or two realms. `cause` carries the storage's own error.
 * No message, field or cause made here ever contains a session id: an id is a credential.
 */
export class SessionError extends Error {
  override readonly name: string = 'SessionError'
  readonly code: SessionErrorCode
  /**
   * 409 for `ERR_GONE`, 503 for a storage that is down (`ERR_STORAGE`, `ERR_CLOSED`), else absent.
   * Express, Koa and Hono answer with it, and show no stack: these errors have none.
   */
  declare readonly status?: 409 | 503
  /** The same by the name that Fastify, Nest and h3 read. */
  declare readonly statusCode?: 409 | 503

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    const status = STATUSES[code]
    if (status !== undefined) tellFrameworks(this, status)
  }
}

/** Makes frameworks answer with the status. Hono asks errors for a response. */
function tellFrameworks(error: SessionError, status: 409 | 503): void {
  Object.assign(error, { status, statusCode: status })
  const fixed = { configurable: true, writable: true, enumerable: false }
  // Frameworks in development mode answer with the stack of any error.
  Object.defineProperty(error, 'stack', { ...fixed, value: `${error.name}: ${error.message}` })
  const getResponse = (): Response => new Response(STATUS_TEXTS[status], { status })
  Object.defineProperty(error, 'getResponse', { ...fixed, value: getResponse })
}

/**
 * What a storage answers for a method that it does not offer; {@link StorageBase} does so for all
 * eleven. A session then works with what the storage does offer.
 */
export const ErrorDisabled: SessionError = new SessionError(
  'ERR_DISABLED',
  'This method is disabled in this storage',
)

/** An error of any realm: test runners and vm contexts have an `Error` of their own. */
export function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value
}

/** A {@link SessionError} of any copy of this package. */
export function isSessionError(value: unknown): value is SessionError {
  return isError(value) && value.name === 'SessionError' && codeOf(value) !== undefined
}

/** The code of an error that has one: this library's, the file system's, a client's. */
export function codeOf(error: unknown): string | undefined {
  return isError(error) && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/** Whether it is a {@link SessionError} with this code. */
export function hasCode(error: unknown, code: SessionErrorCode): boolean {
  return isSessionError(error) && error.code === code
}

/** What an error says, and what anything else that was thrown is. */
export function messageOf(error: unknown): string {
  return isError(error) ? String(error.message) : String(error)
}

/** Whether an error, or an error that it wraps, is {@link ErrorDisabled}. */
export function isDisabled(error: unknown): boolean {
  for (let current = error; isError(current); current = current.cause) {
    if (hasCode(current, 'ERR_DISABLED')) return true
  }
  return false
}

/** The storage's error as the `cause` of an `ERR_STORAGE`; a `SessionError` stays what it is. */
export function storageError(error: unknown): SessionError {
  if (isSessionError(error)) return error
  const message = `The session storage failed: ${messageOf(error)}`
  return new SessionError('ERR_STORAGE', message, { cause: error })
}

/** What stands in the storage is no session. */
export function unreadable(reason: string, cause?: unknown): SessionError {
  const message = `The stored session cannot be read: ${reason}`
  return new SessionError('ERR_UNREADABLE', message, cause === undefined ? undefined : { cause })
}

/** What a change meets that comes after its session went away. */
export function sessionGone(): SessionError {
  const reason = 'it was removed, regenerated or expired since it was loaded'
  const message = `The session is gone: ${reason}. The changes were not stored`
  return new SessionError('ERR_GONE', message)
}
