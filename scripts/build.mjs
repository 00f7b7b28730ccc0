// Compiles src to dist, unless dist is newer than everything it is made from.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { fail, root, runTool } from './run.mjs'

const SOURCES = ['src', 'tsconfig.base.json', 'tsconfig.build.json', 'package.json']

export function ensureBuilt() {
  ensureInstalled()
  const mark = join(root, 'dist', 'index.js')
  if (existsSync(mark) && newest(SOURCES) < statSync(mark).mtimeMs) return
  // What was built before stays in place until there is something better.
  const built = join(root, '.build', `dist-${process.pid}`)
  if (runTool('tsc', ['-p', 'tsconfig.build.json', '--outDir', built]) !== 0) {
    fail('The build failed')
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  renameSync(built, join(root, 'dist'))
}

function newest(names) {
  return Math.max(...names.map(name => newestIn(join(root, name))))
}

function newestIn(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map(name => newestIn(join(path, name))))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) ensureBuilt()
