// npm run bench [-- --quick]: measures, and writes what it found. See README.md.
import { writeFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { growthChart, throughputChart } from './charts.mjs'
import { benchFootprint } from './footprint/all.mjs'
import { benchGoFrame } from './goframe.mjs'
import { report } from './report.mjs'
import { benchStorages } from './storages.mjs'
import { benchThroughput } from './throughput.mjs'

/** What a quick run looks at beside the throughput. */
const QUICK_FOOTPRINT = ['memory', 'sweep', 'packageSize']

const quick = process.argv.includes('--quick')
const start = performance.now()
const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  system: `${type()} ${release().split('-')[0]}`,
  cores: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
}
/** Each part, in the order in which they run: what is measured so far is kept, should a later one fail. */
const PARTS = {
  throughput: () => benchThroughput({ quick }),
  storages: () => benchStorages({ quick }),
  goFrame: () => (quick ? { rows: [], note: 'Left out in a quick run.' } : benchGoFrame()),
  footprint: () => benchFootprint({ quick, ...(quick && { names: QUICK_FOOTPRINT }) }),
}
const results = { machine }
for (const [name, measure] of Object.entries(PARTS)) {
  results[name] = await measure()
  write(`results/${quick ? 'quick' : 'latest'}.json`, `${JSON.stringify(results, rounded)}\n`)
}
const page = report(results)
if (!quick) {
  write('README.md', page)
  write('results/read.svg', throughputChart(results.throughput.rows, 'read'))
  write('results/write.svg', throughputChart(results.throughput.rows, 'write'))
  write('results/growth.svg', growthChart(results.footprint.growth.rows))
}
process.stderr.write('\n')
console.log(page)
console.log(`Measured in ${Math.round((performance.now() - start) / 60_000)} minutes`)
process.exit(0)

function write(name, text) {
  writeFileSync(new URL(name, import.meta.url), text)
}

/** Four digits say all that there is to say. */
function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
