import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, type Stats } from 'node:fs'
import { join, sep } from 'node:path'
import { codeOf } from '../core/errors.ts'
import { isSameFile, removeIfThere, statIfThere } from './file-calls.ts'
import type { SessionFolder } from './file-folder.ts'

const FOLDER = '.locks'
/** Windows renames no folder while a file in it is open. */
const NOT_NOW = process.platform === 'win32' ? ['ENOENT', 'EPERM', 'EACCES', 'EBUSY'] : ['ENOENT']
const GENERATION = /^(\d{15})-[0-9a-f]{8}$/

/**
 * Where the locks of a session folder are: in `.locks/<generation>/`. Before somebody takes away a
 * lock that a dead process left, he renames the folder of the generation. All the locks of the living
 * go along, but no path of the old generation leads anywhere again, ever: a process that was not
 * dead but stopped, and goes on with what it was about to do, finds nothing that it could do harm to.
 */
export class FileLocks {
  readonly #sessions: SessionFolder
  readonly #folder: string
  /** The name of the generation, as far as this process knows. */
  #generation: string | undefined

  constructor(sessions: SessionFolder) {
    this.#sessions = sessions
    this.#folder = sessions.path + sep + FOLDER
  }

  /** The path of a session's lock in the generation that this process knows. */
  pathOf(id: string): string {
    this.#generation ??= this.#newest() ?? this.#begin()
    return this.#folder + sep + this.#generation + sep + nameOfLock(id)
  }

  /**
   * Looks which generation it is: there was nothing at a path of the one known.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when the session folder is gone
   */
  refresh(): void {
    this.#generation = undefined
    this.#generation = this.#newest() ?? this.#begin()
  }

  /**
   * Takes locks away from their holders, all at once, if they still look as they did when they were
   * found to be dead. One process succeeds; of the others it may take several attempts.
   *
   * @param dead - what was found, by the name of the file
   */
  takeAway(dead: ReadonlyMap<string, Stats>): void {
    const generation = this.#beginNext()
    if (generation === undefined) return
    for (const [name, stats] of dead) {
      const path = join(this.#folder, generation, name)
      const found = statIfThere(path)
      if (found !== undefined && isSameFile(found, stats)) removeIfThere(path)
    }
  }

  /** The files that were last changed that many milliseconds ago, or longer, by their names. */
  olderThan(age: number): ReadonlyMap<string, Stats> {
    const old = new Map<string, Stats>()
    const generation = this.#newest()
    if (generation === undefined) return old
    for (const name of namesIn(join(this.#folder, generation))) {
      const stats = statIfThere(join(this.#folder, generation, name))
      if (stats?.isFile() && Date.now() - stats.mtimeMs > age) old.set(name, stats)
    }
    return old
  }

  /** The next generation, if it was this process that began it. */
  #beginNext(): string | undefined {
    const generation = this.#newest()
    if (generation === undefined) return undefined
    const next = nameAfter(generation)
    try {
      renameSync(join(this.#folder, generation), join(this.#folder, next))
    } catch (error) {
      if (NOT_NOW.includes(codeOf(error) ?? '')) return undefined
      throw error
    }
    this.#generation = next
    return next
  }

  /**
   * Makes the folder of the first generation. It appears with its content, in one step: were there
   * two generations, two processes could hold the same lock.
   */
  #begin(): string {
    this.#sessions.check()
    const prepared = `${this.#folder}-${randomBytes(4).toString('hex')}`
    const generation = nameAfter(undefined)
    try {
      mkdirSync(prepared, 0o700)
      mkdirSync(join(prepared, generation), 0o700)
      renameSync(prepared, this.#folder)
      return generation
    } catch (error) {
      rmSync(prepared, { recursive: true, force: true })
      const others = this.#newest()
      if (others === undefined) throw error
      return others
    }
  }

  /** Others than the newest can only have come with a restored backup. */
  #newest(): string | undefined {
    return namesIn(this.#folder)
      .filter(name => GENERATION.test(name))
      .sort()
      .at(-1)
  }
}

export function nameOfLock(id: string): string {
  return `${id}.lock`
}

/** A name that was never used before, and that comes after this one. */
function nameAfter(generation: string | undefined): string {
  const previous = Number(GENERATION.exec(generation ?? '')?.[1] ?? 0)
  const number = Math.max(Date.now(), previous + 1)
  return `${String(number).padStart(15, '0')}-${randomBytes(4).toString('hex')}`
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
