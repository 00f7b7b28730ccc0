// Closes the run with one plain line that programs can read. A run that is a part of another leaves its
// counts in the file that GSESSION_COUNTS names.
import { appendFileSync, readFileSync } from 'node:fs'

export default class ClosingLineReporter {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0)
        counts.failed++
      for (const test of module.children.allTests()) counts[test.result().state]++
    }
    const file = process.env.GSESSION_COUNTS
    if (file) appendFileSync(file, `${JSON.stringify(counts)}\n`)
    // After the default reporter's summary.
    else process.on('exit', () => console.log(`\n${closingLine(counts)}`))
  }
}

/** The closing line of all runs that left their counts in a file. */
export function sumIn(file) {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const line of readFileSync(file, 'utf8').trim().split('\n').filter(Boolean)) {
    for (const [name, count] of Object.entries(JSON.parse(line))) sum[name] += count
  }
  return closingLine(sum)
}

function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
