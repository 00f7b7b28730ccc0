import { createHash } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { codeOf, isSessionError, SessionError } from '../core/errors.ts'
import { statIfThere } from './file-calls.ts'

const GROUP_OR_WORLD_WRITABLE = 0o022

/**
 * Where sessions are kept when nothing is said: a folder of this user's and this program's own,
 * under XDG_STATE_HOME (~/.local/state), never a shared name in the temp folder.
 */
export function defaultFolder(): string {
  const program = resolve('.')
  const digest = createHash('sha256').update(program).digest('hex').slice(0, 12)
  return join(stateHome(), 'gsession', `${basename(program)}-${digest}`)
}

/** The XDG specification has a relative path ignored: it would mean another place in each program. */
function stateHome(): string {
  const given = process.env['XDG_STATE_HOME'] ?? ''
  return isAbsolute(given) ? given : join(homedir(), '.local', 'state')
}

/** The folder of the session files, which has to stay where it is for as long as it is used. */
export class SessionFolder {
  readonly path: string
  /** The disk that it is on. Where one is unmounted, another folder comes to light. */
  readonly #disk: number

  /**
   * Makes the folder for this user alone if it is missing, and checks one that exists.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when it is not a folder, not this user's, open to
   * changes by others, or not writable
   */
  constructor(path: string) {
    this.path = resolve(path)
    this.#disk = openFolder(this.path).dev
  }

  /**
   * To be asked when a file is missing: that is an answer only as long as its folder is there.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when it is not
   */
  check(): void {
    const stats = statIfThere(this.path)
    if (stats?.isDirectory() && stats.dev === this.#disk) return
    throw new SessionError(
      'ERR_STORAGE',
      'The session folder is gone: it was removed or unmounted while it was in use',
    )
  }
}

function openFolder(folder: string): Stats {
  try {
    makeFolder(folder)
    return checkFolder(folder)
  } catch (error) {
    if (isSessionError(error)) throw error
    return refuse(folder, `cannot be used (${codeOf(error) ?? String(error)})`, error)
  }
}

/**
 * Makes a folder and those above it. Node's own `recursive` never ends where a folder cannot be
 * made though the one above it is there, as in /proc.
 */
function makeFolder(folder: string): void {
  if (tryMakeFolder(folder) === undefined) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  const failure = tryMakeFolder(folder)
  if (failure !== undefined) throw failure
}

/** Answers the failure when what is above the folder is missing, and throws any other. */
function tryMakeFolder(folder: string): unknown {
  try {
    mkdirSync(folder, 0o700)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return error
    // Something else may stand there, and the check says what.
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return undefined
}

function checkFolder(folder: string): Stats {
  const stats = lstatSync(folder)
  if (!stats.isDirectory()) refuse(folder, 'is a link or a file, not a folder')
  const user = process.getuid?.()
  if (user !== undefined) {
    if (stats.uid !== user)
      refuse(folder, `belongs to another user (${stats.uid}, this is ${user})`)
    if (stats.mode & GROUP_OR_WORLD_WRITABLE) {
      refuse(folder, 'can be written by other users; make it private with chmod 700')
    }
  }
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  return stats
}

function refuse(folder: string, reason: string, cause?: unknown): never {
  const advice = 'give StorageFile a `path` that only this user can write'
  throw new SessionError('ERR_STORAGE', `The session folder ${folder} ${reason}; ${advice}`, {
    cause,
  })
}
