import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync, rmdirSync, rmSync, type Stats } from 'node:fs'
import { join, sep } from 'node:path'
import { codeOf } from '../core/errors.ts'
import {
  isInUse,
  isSameFile,
  makePrivateFolder,
  removeIfThere,
  statIfThere,
  whenNotInUse,
} from './file-calls.ts'
import type { SessionFolder } from './file-folder.ts'

const FOLDER = '.locks'
/** What a rename answers where a folder with something in it is in the way. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST']
const ATTEMPTS = 5
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
    if (this.#generation === undefined) this.refresh()
    return this.#folder + sep + this.#generation + sep + nameOfLock(id)
  }

  /**
   * Looks which generation it is: there was nothing at a path of the one known.
   *
   * @throws {@link SessionError} `ERR_STORAGE` when the session folder is gone, or another's
   */
  refresh(): void {
    this.#generation = undefined
    this.#sessions.check()
    this.#generation = this.#newest() ?? this.#begin()
  }

  /**
   * Takes locks away from their holders, all at once, if they still look as they did when they were
   * found to be dead. One process succeeds; of the others it may take several attempts.
   *
   * @param dead - what was found, by the name of the file
   */
  async takeAway(dead: ReadonlyMap<string, Stats>): Promise<void> {
    const generation = this.#beginNext()
    if (generation === undefined) return
    for (const [name, stats] of dead) {
      const path = join(this.#folder, generation, name)
      const found = statIfThere(path)
      if (found === undefined || !isSameFile(found, stats)) continue
      await whenNotInUse(() => removeIfThere(path))
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

  /**
   * The next generation, if it was this process that began it. A folder that came with a container's
   * image can't be renamed (EXDEV): its generation stays, and whoever is late looks at his lock first.
   */
  #beginNext(): string | undefined {
    const generation = this.#newest()
    if (generation === undefined) return undefined
    const next = nameAfter(generation)
    try {
      renameSync(join(this.#folder, generation), join(this.#folder, next))
    } catch (error) {
      if (codeOf(error) === 'EXDEV') return generation
      // Windows renames no folder while a file in it is open.
      if (codeOf(error) === 'ENOENT' || isInUse(error)) return undefined
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
    for (let attempt = 1; ; attempt++) {
      const prepared = this.#nextTo()
      const generation = nameAfter(undefined)
      try {
        makePrivateFolder(prepared)
        makePrivateFolder(join(prepared, generation))
        renameSync(prepared, this.#folder)
        return generation
      } catch (error) {
        rmSync(prepared, { recursive: true, force: true })
        const others = this.#newest()
        if (others !== undefined) return others
        const isOccupied = OCCUPIED.includes(codeOf(error) ?? '') || isInUse(error)
        if (!isOccupied || attempt === ATTEMPTS) throw error
      }
      this.#clear()
    }
  }

  /**
   * Puts a folder with a new generation in the place of one that has none, but something else: what a
   * removal left, or what somebody put there.
   */
  #clear(): void {
    const old = this.#nextTo()
    try {
      renameSync(this.#folder, old)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw error
    }
    this.#begin()
    for (const name of namesIn(old)) {
      // Whoever began a generation meanwhile finds that his locks are lost.
      if (GENERATION.test(name)) rmSync(join(old, name), { recursive: true, force: true })
      else renameSync(join(old, name), join(this.#folder, name))
    }
    rmdirSync(old)
  }

  #nextTo(): string {
    return `${this.#folder}-${randomBytes(4).toString('hex')}`
  }

  /** Others than the newest can only have come with a restored backup. */
  #newest(): string | undefined {
    const stats = statIfThere(this.#folder)
    if (stats !== undefined) this.#sessions.checkLockFolder(stats)
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
