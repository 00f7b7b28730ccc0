// npm run bench [-- --quick]: measures, and writes bench/results/latest.json and bench/README.md.
import { writeFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { benchHttp } from './http.mjs'
import { report } from './report.mjs'
import { benchStorages } from './storages.mjs'

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 7
const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  system: `${type()} ${release().split('-')[0]}`,
  cores: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
}

const http = await benchHttp({ rounds, seconds: quick ? 2 : 4 })
const storages = await benchStorages({ rounds, quick })
const results = { machine, rounds, http, storages }

const place = name => new URL(name, import.meta.url)
writeFileSync(place('./results/latest.json'), `${JSON.stringify(results, null, 2)}\n`)
writeFileSync(place('./README.md'), report(results))
process.stderr.write('\n')
console.log(report(results))
process.exit(0)
