// Installs the development dependencies once, and again only when the lock file has changed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run } from './run.mjs'

const OLDEST_NODE = [20, 19]
const mark = join(root, 'node_modules', '.gsession-lock-hash')

export function ensureInstalled() {
  checkNode()
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  console.log('Installing the development dependencies ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  if (run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error']) !== 0) {
    fail('npm ci failed: this needs access to an npm registry, once')
  }
  writeFileSync(mark, lock)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  fail(`gsession needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}`)
}
