import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folders that are still there. */
const folders = new Set()

/** Makes a folder that goes when it is removed, or when the program ends, early or not. */
export function tempFolder(name) {
  watchForTheEnd()
  const folder = mkdtempSync(join(tmpdir(), `gsession-${name}-`))
  folders.add(folder)
  return {
    folder,
    remove() {
      rmSync(folder, { recursive: true, force: true })
      folders.delete(folder)
    },
  }
}

let watches = false

function watchForTheEnd() {
  if (watches) return
  watches = true
  process.once('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
}
