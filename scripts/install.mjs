// Installs the development dependencies once, and again only when the lock file has changed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run } from './run.mjs'

const OLDEST_NODE = [20, 19]

export function ensureInstalled() {
  checkNode()
  ensureInstalledIn('.', 'the development dependencies')
}

/** The same for a folder of this repository that has a package.json of its own. */
export function ensureInstalledIn(folder, what) {
  const place = join(root, folder)
  const mark = join(place, 'node_modules', '.gsession-lock-hash')
  const lock = createHash('sha256')
    .update(readFileSync(join(place, 'package-lock.json')))
    .digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  console.log(`Installing ${what} ...`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  if (run(npm, args, { cwd: place }) !== 0) {
    fail('npm ci failed: this needs access to an npm registry, once')
  }
  writeFileSync(mark, lock)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  fail(`gsession needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}`)
}
