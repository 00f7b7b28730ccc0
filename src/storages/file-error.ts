import { codeOf, isError, SessionError } from '../core/errors.ts'

/** Lets the work on many files go on when one fails, and tells of the first failure in the end. */
export class Failures {
  readonly #failures: unknown[] = []

  async gather(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#failures.length === 0) this.#failures.push(fileError(error))
    }
  }

  throwFirst(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }
}

/** What Node's permission model answers. */
const FORBIDDEN = 'ERR_ACCESS_DENIED'

function forbidden(): SessionError {
  const advice = 'allow it with --allow-fs-read and --allow-fs-write for the folder'
  const message = `The session file storage failed: Node's permission model forbids it; ${advice}`
  const cause = Object.assign(new Error(FORBIDDEN), { code: FORBIDDEN })
  return new SessionError('ERR_STORAGE', message, { cause })
}

/**
 * A file system error as `ERR_STORAGE`. The system's own message holds the path, and a path may hold
 * an id, so what is passed on is the code and the call alone.
 */
export function fileError(error: unknown): unknown {
  const code = codeOf(error)
  if (code === FORBIDDEN) return forbidden()
  // An error without a system call is not the file system's: an application's `update` threw it.
  if (code === undefined || !(isError(error) && 'syscall' in error)) return error
  const call = String(error.syscall)
  const cause = Object.assign(new Error(`${code} in ${call}`), { code, syscall: call })
  const message = `The session file storage failed: ${call} answered ${code}`
  return new SessionError('ERR_STORAGE', message, { cause })
}

/** Whether the disk has no room for one more file. */
export function isFullDisk(error: unknown): boolean {
  const code = codeOf(isError(error) ? error.cause : undefined)
  return code === 'ENOSPC' || code === 'EDQUOT'
}
