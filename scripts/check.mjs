// npm run check: everything about the code and the package that is not a test.
import { ensureBuilt } from './build.mjs'
import { fail, run, runTool } from './run.mjs'

const QUESTIONS = [
  [
    'Is it formatted, and does it lint?',
    () => runTool('biome', ['ci', '--error-on-warnings', '.']),
  ],
  ['Do the types hold?', () => runTool('tsc', ['-p', 'tsconfig.json'])],
  ['Is the package well-formed?', () => runTool('publint', ['--strict'])],
  ['Do its types resolve?', () => runTool('attw', ['--pack', '.', '--profile', 'esm-only'])],
  ['Does the packed package load?', () => run(process.execPath, ['scripts/check-package.mjs'])],
]

ensureBuilt()
for (const [question, answer] of QUESTIONS) {
  console.log(question)
  if (answer() !== 0) fail(`${question} No.`)
}
