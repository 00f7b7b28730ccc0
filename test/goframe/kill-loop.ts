import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { newSessionId } from 'gsession'

const AT_ONCE = 4
const BLOB_BYTES = 200_000
const LONGEST_LIFE = 25

/** A library that writes a session, version after version, and that reads it again. */
export interface Killable {
  /**
   * Starts a process that stores one version after another, each of 200 kB, and says each on its output once
   * it is stored.
   */
  write(id: string): Promise<ChildProcess>
  /** What is there for one that reads afterwards. */
  read(id: string): Promise<Readonly<Record<string, unknown>> | undefined>
}

/** What was wrong with sessions whose writer was killed. */
export interface Faults {
  /** There was none. */
  lost: number
  /** It was older than the last version that the writer told of. */
  old: number
  /** It could not be read, or was not what any version was. */
  torn: number
  /** All versions that were told of. */
  versions: number
}

/** Kills so many writers in the middle of writing, each at a random moment, and looks what is left. */
export async function killWriters(library: Killable, kills: number): Promise<Faults> {
  const faults: Faults = { lost: 0, old: 0, torn: 0, versions: 0 }
  let left = kills
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const id = newSessionId()
      const told = await writeAndKill(library, id)
      faults.versions += told
      const fault = await faultOf(library, id, told)
      if (fault !== undefined) faults[fault]++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return faults
}

/** The last version that the writer told of. */
async function writeAndKill(library: Killable, id: string): Promise<number> {
  const writer = await library.write(id)
  const { stdout } = writer
  if (stdout === null) throw new Error('The writer has no output')
  let output = ''
  stdout.setEncoding('utf8').on('data', (text: string) => {
    output = output.slice(-50) + text
  })
  await once(stdout, 'data')
  await wait(Math.random() * LONGEST_LIFE)
  const closed = once(writer, 'close')
  writer.kill('SIGKILL')
  await closed
  return Number(/(\d+)\n$/.exec(output)?.[1])
}

async function faultOf(
  library: Killable,
  id: string,
  told: number,
): Promise<'lost' | 'old' | 'torn' | undefined> {
  try {
    const { version, blob } = (await library.read(id)) ?? {}
    if (version === undefined) return 'lost'
    if (blob !== `${version};`.repeat(BLOB_BYTES).slice(0, BLOB_BYTES)) return 'torn'
    return Number(version) < told ? 'old' : undefined
  } catch {
    return 'torn'
  }
}
