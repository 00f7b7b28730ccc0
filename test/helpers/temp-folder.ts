import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './at-end.ts'

/** A new folder for this user alone, removed with all that is in it when the test is done. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gsession-test-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
