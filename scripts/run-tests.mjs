// Runs vitest with the reporter of the closing line, and ends with its status. Arguments of the command go to vitest.
import { runTool } from './run.mjs'

const REPORTERS = ['--reporter=default', '--reporter=./scripts/closing-line-reporter.mjs']

/** @param folder - what is run when the arguments name nothing in it; by default all tests */
export function runTests(folder) {
  const given = process.argv.slice(2)
  const isNamed = folder === undefined || given.some(one => one.startsWith(folder))
  process.exit(runTool('vitest', ['run', ...REPORTERS, ...(isNamed ? [] : [folder]), ...given]))
}
