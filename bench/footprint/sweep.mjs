// Clearing a folder of which half the sessions have expired: how long it takes, and how long it keeps
// other work waiting.
import { existsSync, opendirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Manager, StorageFile } from 'gsession'
import { asProgram, inProcess } from '../parts.mjs'
import { progress } from '../statistics.mjs'
import { tempFolder } from '../temp-folder.mjs'
import { atRest, DAY, idOf, writeFiles } from './sessions.mjs'

/**
 * Seconds for a million files (quick: 10,000), and the longest stall of the event loop. Alone it can
 * be given another number of files: `node bench/footprint/sweep.mjs 100000`.
 */
export async function measureSweep({ quick = false, names: [number] = [] } = {}) {
  const count = Number(number ?? (quick ? 10_000 : 1_000_000))
  const { folder, remove } = tempFolder('sweep')
  try {
    progress(`sweep: ${count} files are written`)
    await inProcess(import.meta.url, 'fill', { folder, count })
    progress('sweep: the folder is swept')
    const { seconds, stall, idleStall } = await inProcess(import.meta.url, 'sweep', {
      folder,
      count,
    })
    const name = `sweep of ${count} files, half of them expired`
    return [
      { name, value: seconds, unit: 's' },
      {
        name: `${name}, longest event-loop stall`,
        value: stall,
        unit: 'ms',
        compared: { name: 'the same process, idle', value: idleStall },
      },
    ]
  } finally {
    progress('sweep: the folder is removed')
    remove()
  }
}

function fill({ folder, count }) {
  writeFiles(folder, 0, count / 2, Date.now() - 2 * DAY)
  writeFiles(folder, count / 2, count, Date.now())
}

async function sweep({ folder, count }) {
  const storage = new StorageFile({ path: folder })
  const manager = new Manager({ storage, ttl: DAY })
  const alive = idOf(count - 1)
  // The first use tells the storage the ttl; nothing counts as expired before.
  const userId = await withoutTimers(() => manager.new(alive).get('userId'))
  if (userId !== 4711) throw new Error('a wrong answer')
  const idleStall = (await stallDuring(() => sleep(1000))).stall
  const start = performance.now()
  const { result: removed, stall } = await stallDuring(() => storage.sweep())
  const seconds = (performance.now() - start) / 1000
  if (removed !== count / 2) throw new Error(`expected ${count / 2} removed, got ${removed}`)
  if (existsSync(join(folder, `${atRest(idOf(0))}.session`))) throw new Error('one was left')
  if (sessionsIn(folder) !== count / 2) throw new Error('a living session was removed')
  return { seconds, stall, idleStall }
}

/**
 * Keeps what the work would do later from being done: the storage's first sweep by itself, a minute
 * after its first use, would come into the middle of the one that is measured.
 */
async function withoutTimers(work) {
  const { setTimeout: setTimer } = globalThis
  globalThis.setTimeout = () => setTimer(() => undefined, 0)
  try {
    return await work()
  } finally {
    globalThis.setTimeout = setTimer
  }
}

/** Milliseconds by which a timer of 1 ms came late at most, while some work was done. */
async function stallDuring(work) {
  let last = performance.now()
  let stall = 0
  const look = () => {
    const now = performance.now()
    stall = Math.max(stall, now - last - 1)
    last = now
  }
  const ticker = setInterval(look, 1)
  const result = await work()
  look()
  clearInterval(ticker)
  return { result, stall }
}

function sessionsIn(folder) {
  const directory = opendirSync(folder, { bufferSize: 1024 })
  let count = 0
  for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
    if (entry.name.endsWith('.session')) count++
  }
  directory.closeSync()
  return count
}

await asProgram(import.meta.url, measureSweep, { fill, sweep })
