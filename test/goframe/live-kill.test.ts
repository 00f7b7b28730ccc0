import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { newSessionId, StorageFile } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FileWorker } from '../helpers/file-workers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { GoDriver, programOf, whyNoGo } from './go-driver.ts'
import { type Killable, killWriters } from './kill-loop.ts'

const HOUR = 3_600_000
/** More of them with an environment variable. */
const KILLS = Number(process.env['GSESSION_KILLS'] ?? 150)
/** In milliseconds: several times what it takes. */
const KILLS_TIME = 60_000 + KILLS * 1000
const VERSIONS = 100
const READERS = 4
const SIDES = ['node', 'go'] as const
type Side = (typeof SIDES)[number]

interface Found {
  readonly absent: number
  readonly torn: number
  readonly backwards: number
  readonly errors: number
  readonly reads: number
  readonly seen: number
}

/** Our storage, in a process of its own that writes. A storage that has just begun reads. */
function ours(): Killable {
  const path = tempFolder()
  return {
    async write(id) {
      const worker = await FileWorker.start(path)
      void worker.call('write', id, 1).catch(() => undefined)
      return worker.process
    },
    async read(id) {
      const storage = new StorageFile({ path })
      try {
        return await storage.getSession(id, HOUR)
      } finally {
        await storage.close()
      }
    },
  }
}

/** GoFrame's storage. It keeps nothing in memory, so that one process may do all the reading. */
async function goFrames(): Promise<Killable> {
  const path = tempFolder()
  const driver = new GoDriver('newest')
  onTestFinished(() => driver.close())
  await driver.open('files', { kind: 'file', path, ttl: HOUR })
  return {
    write: async id => startGo('write', path, id, '0'),
    read: id => driver.request('files', id, session => session.data()),
  }
}

function startGo(...args: readonly string[]): ChildProcess {
  const child = spawn(programOf('newest'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** What several readers found in all. They read from the first version to the last. */
async function readWhileWriting(writing: Side, reading: Side): Promise<Found> {
  const path = tempFolder()
  const id = newSessionId()
  const goOn = await (writing === 'node' ? nodeWriter(path, id) : goWriter(path, id))
  const startReader = reading === 'node' ? nodeReader : goReader
  const readers = await Promise.all(Array.from({ length: READERS }, () => startReader(path, id)))
  const reads = readers.map(read => read())
  await goOn()
  const found = sum(await Promise.all(reads))
  console.log(`${reading} reads while ${writing} writes ${VERSIONS} versions of 200 kB:`, found)
  return found
}

/** Writes the first version, and answers how to write the others. */
async function nodeWriter(path: string, id: string): Promise<() => Promise<unknown>> {
  const worker = await FileWorker.start(path)
  await worker.call('writeVersions', id, 1, 1)
  return () => worker.call('writeVersions', id, 2, VERSIONS)
}

async function goWriter(path: string, id: string): Promise<() => Promise<unknown>> {
  const writeUntil = async (last: number): Promise<void> => {
    const writer = startGo('write', path, id, String(last))
    writer.stdout?.resume()
    const [code] = await once(writer, 'close')
    if (code !== 0) throw new Error('The writer failed')
  }
  await writeUntil(1)
  return () => writeUntil(VERSIONS)
}

async function nodeReader(path: string, id: string): Promise<() => Promise<Found>> {
  const worker = await FileWorker.start(path)
  return async () => (await worker.call('readUntil', id, VERSIONS)) as Found
}

async function goReader(path: string, id: string): Promise<() => Promise<Found>> {
  const { stdout } = startGo('read-until', path, id, String(VERSIONS))
  if (stdout === null) throw new Error('The reader has no output')
  return async () => JSON.parse(await text(stdout))
}

function sum(all: readonly Found[]): Found {
  const total = { absent: 0, torn: 0, backwards: 0, errors: 0, reads: 0, seen: 0 }
  for (const found of all) {
    for (const key of Object.keys(total) as (keyof Found)[]) total[key] += found[key]
  }
  return total
}

describe.skipIf(whyNoGo)(`killed while writing (${whyNoGo ?? 'GoFrame is alive'})`, () => {
  it(
    `this library loses and tears nothing, through ${KILLS} kills`,
    async () => {
      const { versions, ...faults } = await killWriters(ours(), KILLS)
      console.log(`This library, ${KILLS} kills, ${versions} versions of 200 kB:`, faults)
      expect(versions).toBeGreaterThanOrEqual(KILLS)
      expect(faults).toEqual({ lost: 0, old: 0, torn: 0 })
    },
    KILLS_TIME,
  )

  it(
    `what GoFrame loses and tears is counted, through ${KILLS} kills`,
    async () => {
      const { versions, ...faults } = await killWriters(await goFrames(), KILLS)
      console.log(`GoFrame, ${KILLS} kills, ${versions} versions of 200 kB:`, faults)
      expect(versions).toBeGreaterThanOrEqual(KILLS)
    },
    KILLS_TIME,
  )
})

describe.skipIf(whyNoGo)(`${READERS} readers beside a writer (${whyNoGo ?? 'all alive'})`, () => {
  it.each(SIDES)(
    'what Node writes, %s reads whole',
    async reading => {
      const found = await readWhileWriting('node', reading)
      expect(found).toMatchObject({ absent: 0, torn: 0, backwards: 0, errors: 0 })
    },
    60_000,
  )

  it('what Go writes in place, Node reads whole: it waits', async () => {
    const found = await readWhileWriting('go', 'node')
    expect(found).toMatchObject({ absent: 0, torn: 0, errors: 0 })
  })

  it('what Go finds of what Go writes is counted', async () => {
    const found = await readWhileWriting('go', 'go')
    expect(found.reads).toBeGreaterThan(0)
  })
})
