// npm run bench [-- --quick | --again PART]: measures, and writes what it found. See README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { growthChart, throughputChart } from './charts.mjs'
import { benchFootprint, FOOTPRINT_NAMES } from './footprint/all.mjs'
import { benchGoFrame } from './goframe.mjs'
import { redisVersion } from './redis-server.mjs'
import { report } from './report.mjs'
import { benchStorages } from './storages.mjs'
import { benchThroughput } from './throughput.mjs'

/** What a quick run looks at beside the throughput. */
const QUICK_FOOTPRINT = ['memory', 'sweep', 'packageSize']

const options = { quick: { type: 'boolean', default: false }, again: { type: 'string' } }
const { quick, again } = parseArgs({ options }).values
const start = performance.now()
const today = new Date().toISOString().slice(0, 10)
const machine = {
  date: today,
  node: process.version,
  redis: redisVersion(),
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
const file = `results/${quick ? 'quick' : 'latest'}.json`
const results = again === undefined ? await measureAll() : await measureAgain(again)
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

async function measureAll() {
  const all = { machine }
  for (const [name, measure] of Object.entries(PARTS)) {
    all[name] = await measure()
    write(file, toText(all))
  }
  return all
}

/** One part, or one of the footprint, in place of what the last whole run has of it. */
async function measureAgain(name) {
  const known = [...Object.keys(PARTS), ...FOOTPRINT_NAMES]
  if (quick || !known.includes(name)) {
    throw new Error(`--again, without --quick, takes one of ${known.join(', ')}`)
  }
  const last = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))
  if (name in PARTS) last[name] = await PARTS[name]()
  else Object.assign(last.footprint, await benchFootprint({ names: [name] }))
  last.machine.again = { ...last.machine.again, [name]: today }
  write(file, toText(last))
  return last
}

function toText(all) {
  return `${JSON.stringify(all, rounded)}\n`
}

function write(name, text) {
  writeFileSync(new URL(name, import.meta.url), text)
}

/** Four digits say all that there is to say. */
function rounded(_key, value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
