// npm run bench: builds what is needed and measures; arguments go to bench/run.mjs.
import { ensureBuilt } from './build.mjs'
import { run } from './run.mjs'

ensureBuilt()
process.exit(run(process.execPath, ['bench/run.mjs', ...process.argv.slice(2)]))
