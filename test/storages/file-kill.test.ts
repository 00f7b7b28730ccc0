import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager, newSessionId, StorageFile } from 'gsession'
import { expect, it } from 'vitest'
import { FileWorker } from '../helpers/file-workers.ts'
import { inLong } from '../helpers/long.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { locksIn } from './file-names.ts'

const HOUR = 3_600_000
const KILLS = inLong(300, 24)
const AT_ONCE = 4
const READERS = 4
const VERSIONS = inLong(250, 60)

interface Killed {
  readonly id: string
  /** The last version that the process told of, each of 200 kB. */
  readonly acknowledged: number
}

interface Found {
  readonly version: number
  readonly isWhole: boolean
}

/** Has a process write version after version, and kills it at a random moment. */
async function writeAndKill(folder: string): Promise<Killed> {
  const worker = await FileWorker.start(folder)
  const id = newSessionId()
  const versions = acknowledgedBy(worker)
  void worker.call('write', id, 1).catch(() => undefined)
  await versions.first
  await wait(Math.random() * 25)
  await worker.kill()
  return { id, acknowledged: versions.last() }
}

function acknowledgedBy(worker: FileWorker): { first: Promise<unknown>; last(): number } {
  const { stdout } = worker.process
  if (stdout === null) throw new Error('The worker has no output')
  let text = ''
  stdout.setEncoding('utf8').on('data', (more: string) => {
    text = text.slice(-50) + more
  })
  return { first: once(stdout, 'data'), last: () => Number(/(\d+)\n$/.exec(text)?.[1]) }
}

/** What a process that has just started finds. */
async function reopen(folder: string, id: string): Promise<Found | undefined> {
  const storage = new StorageFile({ path: folder })
  const data = await storage.getSession(id, HOUR)
  await storage.close()
  const { version, blob } = data ?? {}
  if (typeof version !== 'number') return undefined
  return { version, isWhole: blob === `${version};`.repeat(200_000).slice(0, 200_000) }
}

it(`keeps every session that was stored, through ${KILLS} kills in the middle of writing`, async () => {
  const folder = tempFolder()
  const kills: Killed[] = []
  const faults = { lost: 0, old: 0, torn: 0, errors: 0 }
  const began = performance.now()
  const killAndCheck = async (): Promise<void> => {
    while (kills.length < KILLS) {
      const killed = await writeAndKill(folder)
      kills.push(killed)
      try {
        const found = await reopen(folder, killed.id)
        if (found === undefined) faults.lost++
        else if (!found.isWhole) faults.torn++
        else if (!(found.version >= killed.acknowledged)) faults.old++
      } catch {
        faults.errors++
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, killAndCheck))
  const versions = kills.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  const taken = Math.round(performance.now() - began)
  console.log(`${kills.length} kills, ${versions} versions of 200 kB, ${taken} ms:`, faults)
  const locks = locksIn(folder).length
  console.log(`${locks} of them while the lock was held`)
  expect(versions).toBeGreaterThan(KILLS)
  expect(faults).toEqual({ lost: 0, old: 0, torn: 0, errors: 0 })

  const manager = new Manager({
    storage: new StorageFile({ path: folder }),
    idAtRest: 'plain',
    timeout: 0,
  })
  const goOn = performance.now()
  const results = kills.map(({ id }) => manager.new(id).update('version', () => -1))
  expect(await Promise.all(results)).toEqual(kills.map(() => -1))
  console.log(`All can be written again after ${Math.round(performance.now() - goOn)} ms`)
})

it('never shows a reader in another process anything but a whole session', async () => {
  const folder = tempFolder()
  const id = newSessionId()
  const [writer, ...readers] = await FileWorker.startMany(1 + READERS, folder)
  await writer?.call('writeVersions', id, 1, 1)
  const reading = readers.map(reader => reader.call('readUntil', id, VERSIONS))
  await writer?.call('writeVersions', id, 2, VERSIONS)
  const nothing = { absent: 0, torn: 0, backwards: 0, errors: 0 }
  for (const found of await Promise.all(reading)) {
    console.log(`A reader beside ${VERSIONS} writes of 200 kB:`, found)
    expect(found).toMatchObject(nothing)
  }
})
