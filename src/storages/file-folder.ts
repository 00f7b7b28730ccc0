import { createHash } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { SessionError } from '../core/errors.ts'
import { codeOf } from './file-error.ts'

const GROUP_OR_WORLD_WRITABLE = 0o022

/**
 * Where sessions are kept when nothing is said: a folder of this user's and this program's own,
 * under XDG_STATE_HOME (~/.local/state), never a shared name in the temp folder.
 */
export function defaultFolder(): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state')
  const program = resolve('.')
  const digest = createHash('sha256').update(program).digest('hex').slice(0, 12)
  return join(state, 'gsession', `${basename(program)}-${digest}`)
}

/**
 * Makes the folder for this user alone if it is missing, and checks one that exists.
 *
 * @throws {@link SessionError} `ERR_STORAGE` when it is not a folder, not this user's, open to
 * changes by others, or not writable
 */
export function openFolder(path: string): string {
  const folder = resolve(path)
  try {
    makeFolder(folder)
    checkFolder(folder)
  } catch (error) {
    if (error instanceof SessionError) throw error
    refuse(folder, `cannot be used (${codeOf(error) ?? String(error)})`, error)
  }
  return folder
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    // Something else stands there, and the check says what.
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

function checkFolder(folder: string): void {
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
}

function refuse(folder: string, reason: string, cause?: unknown): never {
  const advice = 'give StorageFile a `path` that only this user can write'
  throw new SessionError('ERR_STORAGE', `The session folder ${folder} ${reason}; ${advice}`, {
    cause,
  })
}
