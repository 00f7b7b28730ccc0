import { lstatSync, type Stats, unlinkSync } from 'node:fs'
import { codeOf } from '../core/errors.ts'

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
