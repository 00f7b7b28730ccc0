// npm test: builds what is needed and runs all tests; arguments go to vitest.
import { ensureBuilt } from './build.mjs'
import { ensureServers } from './redis.mjs'
import { runTool } from './run.mjs'

ensureBuilt()
Object.assign(process.env, ensureServers())
const reporters = ['--reporter=default', '--reporter=./scripts/closing-line-reporter.mjs']
process.exit(runTool('vitest', ['run', ...reporters, ...process.argv.slice(2)]))
