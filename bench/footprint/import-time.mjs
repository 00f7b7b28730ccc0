// What importing each subpath of the package costs, in a process of its own each time.
import { readFileSync } from 'node:fs'
import { asProgram, inProcess } from '../parts.mjs'
import { median, progress, spread } from '../statistics.mjs'

/** Milliseconds from `import` to its end, beside those that Node itself takes to start. */
export async function measureImportTime({ quick = false } = {}) {
  const subpaths = subpathsOf(
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url))),
  )
  const samples = subpaths.map(() => [])
  const starts = []
  for (let round = 0; round < (quick ? 3 : 15); round++) {
    for (const [at, subpath] of subpaths.entries()) {
      progress(`import time: ${subpath}, round ${round + 1}`)
      const { start, milliseconds } = await inProcess(import.meta.url, 'load', { subpath })
      samples[at].push(milliseconds)
      starts.push(start)
    }
  }
  return subpaths.map((subpath, at) => ({
    name: `import ${subpath}`,
    value: median(samples[at]),
    unit: 'ms',
    spread: spread(samples[at]),
    compared: { name: 'the start of Node', value: median(starts) },
  }))
}

/** The module specifiers of a package, such as `gsession/http`. */
function subpathsOf({ name, exports }) {
  const modules = Object.keys(exports).filter(path => !path.endsWith('.json'))
  return modules.map(path => name + path.slice(1))
}

async function load({ subpath }) {
  // Node tells when it has started by itself; what this program loads first is not counted.
  const start = performance.nodeTiming.bootstrapComplete
  const before = performance.now()
  const module = await import(subpath)
  const milliseconds = performance.now() - before
  if (Object.keys(module).length === 0) throw new Error(`${subpath} exports nothing`)
  return { start, milliseconds }
}

await asProgram(import.meta.url, measureImportTime, { load })
