import { chmodSync, lstatSync, mkdirSync, type Stats, unlinkSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { monotonicTime, pause } from '../core/clock.ts'
import { codeOf } from '../core/errors.ts'

const PERMISSIONS = 0o777
/** How long to try again while another program has a file open, in milliseconds. */
const PATIENCE = 1000
const LONGEST_PAUSE = 32
/** What Windows answers while a virus scanner, an indexer or a backup has a file open. */
const IN_USE = ['EPERM', 'EACCES', 'EBUSY']
/** What Node's permission model and some network disks answer to calls that they do not have. */
const REFUSED = ['ERR_ACCESS_DENIED', 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']

/** What a file looks like, not following a link; `undefined` when there is none. */
export function statIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Whether two looks saw the same file, with nothing written to it in between. */
export function isSameFile(a: Stats, b: Stats | undefined): boolean {
  return a.ino === b?.ino && a.mtimeMs === b.mtimeMs
}

/** Removes a file; one that is not there any more is as good. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Makes a folder for this user alone: the umask takes away what this user needs, too. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, 0o700)
  const stats = lstatSync(path)
  if (stats.isDirectory() && (stats.mode & PERMISSIONS) !== 0o700) chmodSync(path, 0o700)
}

/** Whether the error says that this call is not to be had here, whatever the file. */
export function isRefused(error: unknown): boolean {
  return REFUSED.includes(codeOf(error) ?? '')
}

/** Whether the error says that another program has the file open, which on Windows forbids some calls. */
export function isInUse(error: unknown): boolean {
  return process.platform === 'win32' && IN_USE.includes(codeOf(error) ?? '')
}

/** Renames or removes, again for up to a second while another program has the file open on Windows. */
export async function whenNotInUse(call: () => void): Promise<void> {
  const began = monotonicTime()
  for (let wait = 1; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    try {
      call()
      return
    } catch (error) {
      if (!isInUse(error) || monotonicTime() - began > PATIENCE) throw error
    }
    await pause(wait)
  }
}

/** Waits until the disk has what a file or folder holds. */
export async function flushPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
