// npm run test:all: everything that is tested, in full: what npm test does in part only, other people's
// frameworks, and GoFrame where Go is on the PATH.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sumIn } from './closing-line-reporter.mjs'
import { run } from './run.mjs'

const hasGo = spawnSync('go', ['version']).status === 0
const parts = ['test', 'frameworks', ...(hasGo ? ['goframe'] : [])]

const folder = mkdtempSync(join(tmpdir(), 'gsession-test-all-'))
const counts = join(folder, 'counts')
writeFileSync(counts, '')
const env = { ...process.env, GSESSION_LONG: 'true', GSESSION_COUNTS: counts }
const failed = parts.filter(part => run(process.execPath, [`scripts/${part}.mjs`], { env }) !== 0)
if (!hasGo) console.log('No Go here: the tests beside GoFrame were left out')
if (failed.length > 0) console.log(`Failed: ${failed.join(', ')}`)
console.log(`\n${sumIn(counts)}`)
rmSync(folder, { recursive: true })
process.exit(failed.length > 0 ? 1 : 0)
