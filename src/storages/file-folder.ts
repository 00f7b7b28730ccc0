import { createHash } from 'node:crypto'
import { accessSync, constants, lstatSync, type Stats } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { codeOf, isSessionError, messageOf, SessionError } from '../core/errors.ts'
import { refuseOption } from '../core/options.ts'
import { makePrivateFolder, statIfThere } from './file-calls.ts'

const GROUP_OR_WORLD_WRITABLE = 0o022
const SET_GROUP_ID = 0o2000
const ADVICE =
  'give StorageFile a `path` that only this user can write. In a mounted volume that is a folder inside ' +
  'it, such as /data/sessions, where the volume lets this user make one'
/** Else it opens all folders of a volume to the group, at each start. */
const FS_GROUP_POLICY = '`fsGroupChangePolicy: OnRootMismatch`'

/**
 * Where sessions are kept when nothing is said: a folder of this user's and this program's own,
 * under XDG_STATE_HOME (~/.local/state), never a shared name in the temp folder.
 */
export function defaultFolder(): string {
  const program = workingDirectory()
  const digest = createHash('sha256').update(program).digest('hex').slice(0, 12)
  return join(stateHome(), 'gsession', `${basename(program)}-${digest}`)
}

/** The XDG specification has a relative path ignored: it would mean another place in each program. */
function stateHome(): string {
  const given = process.env['XDG_STATE_HOME'] ?? ''
  return isAbsolute(given) ? given : join(homeDirectory(), '.local', 'state')
}

/** The folder of the session files, which has to stay where it is for as long as it is used. */
export class SessionFolder {
  readonly path: string
  /** The disk that it is on. Where one is unmounted, another folder comes to light. */
  readonly #disk: number
  /** Whose all files are; Windows has no such owners. */
  readonly #user = process.getuid?.()

  /**
   * Makes the folder for this user alone if it is missing, and checks one that exists.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when it is not a folder, not this user's, open to
   * changes by others, or not writable
   */
  constructor(path: string) {
    this.path = absolute(path)
    this.#disk = openFolder(this.path).dev
  }

  /**
   * To be asked when a file is missing: that is an answer only as long as its folder is there.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when it is not, or when another one is in its place
   */
  check(): void {
    const stats = statIfThere(this.path)
    if (!stats?.isDirectory() || stats.dev !== this.#disk) {
      throw new SessionError(
        'ERR_STORAGE',
        'The session folder is gone: it was removed or unmounted while it was in use',
      )
    }
    const problem = problemOf(stats)
    if (problem === undefined) return
    const message = `The session folder was changed while it was in use: it ${problem}`
    throw new SessionError('ERR_STORAGE', message)
  }

  /**
   * Whatever stands in the place of a session file, only a file of this user is one.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when it is anything else
   */
  checkFile(stats: Stats): void {
    if (!stats.isFile()) {
      throw new SessionError('ERR_STORAGE', 'What stands in the place of a session file is no file')
    }
    if (this.#user !== undefined && stats.uid !== this.#user) {
      const users = `${stats.uid}, this is ${this.#user}`
      throw new SessionError('ERR_STORAGE', `A session file belongs to another user (${users})`)
    }
  }

  /** @throws {@link SessionError} `ERR_STORAGE` when it is no folder, or another user's */
  checkLockFolder(stats: Stats): void {
    if (stats.isDirectory() && (this.#user === undefined || stats.uid === this.#user)) return
    const message = "What stands in the place of the folder `.locks` is not this user's folder"
    throw new SessionError('ERR_STORAGE', message)
  }
}

/** @throws {@link SessionError} `ERR_OPTION` for what is no path, `ERR_STORAGE` for one that leads nowhere */
function absolute(path: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    return refuseOption('path', 'the path of a folder', path)
  }
  if (path.startsWith('file:')) return refuseOption('path', 'a path, without `file:`', path)
  return isAbsolute(path) ? resolve(path) : join(workingDirectory(), path)
}

function workingDirectory(): string {
  try {
    return process.cwd()
  } catch (error) {
    const message = `This process has no working directory any more; ${ADVICE}`
    throw new SessionError('ERR_STORAGE', message, { cause: error })
  }
}

function homeDirectory(): string {
  let cause: unknown
  try {
    const home = homedir()
    if (isAbsolute(home)) return home
  } catch (error) {
    cause = error
  }
  throw new SessionError('ERR_STORAGE', `This user has no home directory; ${ADVICE}`, { cause })
}

function openFolder(folder: string): Stats {
  try {
    makeFolder(folder)
    return checkFolder(folder)
  } catch (error) {
    if (isSessionError(error)) throw error
    return refuse(folder, `cannot be used (${codeOf(error) ?? messageOf(error)})`, error)
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
    makePrivateFolder(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return error
    // Something else may stand there, and the check says what.
    if (codeOf(error) !== 'EEXIST') throw error
  }
  return undefined
}

function checkFolder(folder: string): Stats {
  const stats = lstatSync(folder)
  const problem = problemOf(stats)
  if (problem !== undefined) refuse(folder, problem)
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  return stats
}

/** Why a folder is not one that only this user can change. */
function problemOf(stats: Stats): string | undefined {
  if (!stats.isDirectory()) return 'is a link or a file, not a folder'
  const user = process.getuid?.()
  if (user === undefined) return undefined
  if (stats.uid !== user) return `belongs to another user (${stats.uid}, this is ${user})`
  if ((stats.mode & GROUP_OR_WORLD_WRITABLE) === 0) return undefined
  const isMadeByKubernetes = (stats.mode & SET_GROUP_ID) !== 0
  const advice = isMadeByKubernetes ? `, and in Kubernetes set ${FS_GROUP_POLICY}` : ''
  return `can be written by other users; make it private with chmod 700${advice}`
}

function refuse(folder: string, reason: string, cause?: unknown): never {
  const message = `The session folder ${folder} ${reason}; ${ADVICE}`
  throw new SessionError('ERR_STORAGE', message, { cause })
}
