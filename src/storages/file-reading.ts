import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { codeOf } from '../core/errors.ts'

/** Neither through a symbolic link nor until somebody writes to a pipe. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export interface WholeFile {
  readonly bytes: Buffer
  readonly stats: Stats
}

/**
 * The bytes of a file; `undefined` when there is none.
 *
 * @param check - looks at what was opened, and throws when it is not to be read
 */
export function readWholeFile(path: string, check: (stats: Stats) => void): WholeFile | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, FLAGS)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    check(stats)
    return { bytes: readAll(descriptor, stats.size), stats }
  } finally {
    closeSync(descriptor)
  }
}

function readAll(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}
