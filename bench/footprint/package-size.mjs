// How large the package is: as it is fetched, as it is installed, and what each subpath loads of it.
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asProgram } from '../parts.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const KILOBYTE = 1000
/** `from '...'` or `import '...'` of a module of the package; types are gone in what was built. */
const IMPORTED = /(?:\bfrom|^import)\s*['"](\.[^'"]+)['"]/gm

/** Kilobytes (1000 bytes) of the packed package, of the unpacked one, and of each subpath's modules. */
export async function measurePackageSize() {
  const { exports, name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const packed = pack()
  const rows = [
    { name: 'the package, packed', value: packed.size / KILOBYTE, unit: 'kB' },
    { name: 'the package, unpacked', value: packed.unpackedSize / KILOBYTE, unit: 'kB' },
  ]
  for (const [subpath, { default: entry }] of Object.entries(exports)) {
    if (entry === undefined) continue
    const modules = modulesFrom(join(root, entry))
    const bytes = modules.reduce((sum, path) => sum + statSync(path).size, 0)
    rows.push({
      name: `${modules.length} modules of ${name}${subpath.slice(1)}`,
      value: bytes / KILOBYTE,
      unit: 'kB',
    })
  }
  return rows
}

function pack() {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { status, stdout } = spawnSync(npm, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error('npm pack failed')
  return JSON.parse(stdout)[0]
}

/** A module and all that it imports, each once; what is imported later, on demand, is not loaded. */
function modulesFrom(entry) {
  const modules = new Set([entry])
  for (const path of modules) {
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(IMPORTED)) {
      modules.add(join(dirname(path), specifier))
    }
  }
  return [...modules]
}

await asProgram(import.meta.url, measurePackageSize)
