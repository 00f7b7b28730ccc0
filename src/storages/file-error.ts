import { SessionError } from '../core/errors.ts'

/** The code of a file system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/**
 * A file system error as `ERR_STORAGE`. The system's own message holds the path, and a path may hold
 * an id, so what is passed on is the code and the call alone.
 */
export function fileError(error: unknown): unknown {
  const code = codeOf(error)
  if (error instanceof SessionError || code === undefined) return error
  const call =
    error instanceof Error && 'syscall' in error ? String(error.syscall) : 'a file operation'
  const cause = Object.assign(new Error(`${code} in ${call}`), { code, syscall: call })
  const message = `The session file storage failed: ${call} answered ${code}`
  return new SessionError('ERR_STORAGE', message, { cause })
}
