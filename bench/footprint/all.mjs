// What the library takes beside time per request: memory, disk, start, size. Each is measured by itself.
import { asProgram } from '../parts.mjs'
import { measureAllocation } from './allocation.mjs'
import { measureColdStart } from './cold-start.mjs'
import { measureGrowth } from './growth.mjs'
import { measureImportTime } from './import-time.mjs'
import { measureMemory } from './memory.mjs'
import { measurePackageSize } from './package-size.mjs'
import { measureSweep } from './sweep.mjs'

const MEASUREMENTS = {
  memory: measureMemory,
  sweep: measureSweep,
  coldStart: measureColdStart,
  growth: measureGrowth,
  allocation: measureAllocation,
  importTime: measureImportTime,
  packageSize: measurePackageSize,
}

export const FOOTPRINT_NAMES = Object.keys(MEASUREMENTS)

/** The rows of each measurement, by its name, and how many seconds it took. */
export async function benchFootprint({ quick = false, names = FOOTPRINT_NAMES } = {}) {
  const results = {}
  for (const name of names) {
    const start = performance.now()
    const rows = await MEASUREMENTS[name]({ quick })
    results[name] = { rows, seconds: Math.round((performance.now() - start) / 1000) }
  }
  return results
}

async function asRows(options) {
  const results = Object.entries(await benchFootprint(options))
  return results.flatMap(([name, { rows, seconds }]) => [
    ...rows,
    { name: `${name}: measured in`, value: seconds, unit: 's' },
  ])
}

await asProgram(import.meta.url, asRows)
