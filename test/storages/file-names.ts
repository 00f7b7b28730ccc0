import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const LOCKS = '.locks'

/** The names in a session folder, but for the folder of the locks. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name !== LOCKS)
    .sort()
}

/** The folder that the locks are in just now. */
export function lockFolder(folder: string): string {
  const [generation, ...others] = readdirSync(join(folder, LOCKS))
  if (generation === undefined || others.length > 0) throw new Error('Not one generation of locks')
  return join(folder, LOCKS, generation)
}

/** The ids of the sessions that are locked, and the names of what else was left there. */
export function locksIn(folder: string): string[] {
  if (!existsSync(join(folder, LOCKS))) return []
  return readdirSync(lockFolder(folder)).map(name => name.replace(/\.lock$/, ''))
}
