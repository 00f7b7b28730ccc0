// npm run bench: builds and installs what is needed and measures; arguments go to bench/run.mjs.
import { ensureBuilt } from './build.mjs'
import { ensureInstalledIn } from './install.mjs'
import { run } from './run.mjs'

ensureBuilt()
ensureInstalledIn('bench/peers', 'what gsession is compared with')
process.exit(run(process.execPath, ['bench/run.mjs', ...process.argv.slice(2)]))
