// Runs a program in the project's folder, with its output shown, and fails when it fails.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) fail(`${command} could not be started: ${result.error.message}`)
  return result.status ?? 1
}

/** Runs a tool of node_modules with this Node. */
export function runTool(name, args, options) {
  return run(process.execPath, [`node_modules/${TOOLS[name]}`, ...args], options)
}

const TOOLS = {
  tsc: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
  biome: '@biomejs/biome/bin/biome',
  publint: 'publint/src/cli.js',
  attw: '@arethetypeswrong/cli/dist/index.js',
}

export function fail(message) {
  console.error(message)
  process.exit(1)
}
