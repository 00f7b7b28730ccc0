// npm test: builds what is needed and runs all tests; arguments go to vitest.
import { ensureBuilt } from './build.mjs'
import { ensureServers } from './redis.mjs'
import { runTests } from './run-tests.mjs'

ensureBuilt()
Object.assign(process.env, ensureServers())
runTests()
