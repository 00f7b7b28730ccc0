import { execFileSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
export const IS_ROOT = process.getuid?.() === 0
/** The user that root becomes. */
export const NOBODY = 65_534

/** Gives a file or folder to the user as whom `runWithoutRoot` runs: whoever is not root keeps it. */
export function giveToNobody(path: string): void {
  if (IS_ROOT) chownSync(path, NOBODY, NOBODY)
}

/**
 * Runs a program in a process of its own, without root's rights where this one has them, and answers what
 * it prints as JSON. It finds in `gsession` what the package exports. The process gives up the rights once
 * the package is loaded: another user may not be allowed to read this repository, or Node itself.
 */
export function runWithoutRoot(program: string, { openFiles = 1024 } = {}): unknown {
  const giveUp = `process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY})`
  const input = `import * as gsession from ${JSON.stringify(DIST)}
    ${IS_ROOT ? giveUp : ''}
    ${program}`
  const shell = `ulimit -n ${openFiles} && exec "$0" --input-type=module -`
  return JSON.parse(execFileSync('sh', ['-c', shell, process.execPath], { input }).toString())
}
