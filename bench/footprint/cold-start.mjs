// From the start of a process to its first read from StorageFile: what is on the disk must not matter.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { asProgram, inProcess } from '../parts.mjs'
import { median, progress } from '../statistics.mjs'
import { tempFolder } from '../temp-folder.mjs'

/** Milliseconds with 100,000 sessions in the folder, against a folder with one. */
export async function measureColdStart({ quick = false } = {}) {
  const count = quick ? 10_000 : 100_000
  const full = tempFolder('start')
  const empty = tempFolder('start')
  try {
    progress(`cold start: ${count} files are written`)
    await inProcess(import.meta.url, 'fill', { folder: full.folder, count })
    await inProcess(import.meta.url, 'fill', { folder: empty.folder, count: 1 })
    await inProcess(import.meta.url, 'checkScans', { folder: full.folder })
    const [withMany, withOne] = await start([full.folder, empty.folder], quick ? 7 : 25)
    return [
      {
        name: `from process start to the first read, ${count} sessions on disk`,
        value: withMany,
        unit: 'ms',
        compared: { name: '1 session on disk', value: withOne },
        ratio: withMany / withOne,
      },
    ]
  } finally {
    full.remove()
    empty.remove()
  }
}

/** The median for each folder, measured in turn. */
async function start(folders, rounds) {
  const samples = folders.map(() => [])
  for (let round = 0; round < rounds; round++) {
    progress(`cold start: round ${round + 1} of ${rounds}`)
    for (const [at, folder] of folders.entries()) {
      samples[at].push(await inProcess(import.meta.url, 'firstRead', { folder }))
    }
  }
  return samples.map(median)
}

async function fill({ folder, count }) {
  const { writeFiles } = await import('./sessions.mjs')
  writeFiles(folder, 0, count, Date.now())
}

/** Milliseconds since this process began. */
async function firstRead({ folder }) {
  const { Manager, StorageFile } = await import('gsession')
  const manager = new Manager({ storage: new StorageFile({ path: folder }) })
  const userId = await manager.new(await firstId()).get('userId')
  const milliseconds = performance.now()
  if (userId !== 4711) throw new Error('a wrong answer')
  return milliseconds
}

/** Until the first read is answered nobody lists the folder. That a sweep is seen shows that we look. */
async function checkScans({ folder }) {
  let scans = 0
  const counted =
    list =>
    (...args) => {
      scans++
      return list(...args)
    }
  for (const from of [fs, fs.promises]) {
    for (const name of ['readdir', 'readdirSync', 'opendir', 'opendirSync', 'scandir']) {
      if (typeof from[name] === 'function') from[name] = counted(from[name])
    }
  }
  syncBuiltinESMExports()
  await firstRead({ folder })
  if (scans > 0) throw new Error('the folder was scanned before the first read')
  const { StorageFile } = await import('gsession')
  await new StorageFile({ path: folder }).sweep()
  if (scans === 0) throw new Error('a scan of the folder was not seen')
}

async function firstId() {
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update('session 0').digest('base64url')
}

await asProgram(import.meta.url, measureColdStart, { fill, firstRead, checkScans })
