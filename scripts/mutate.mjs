// npm run mutate: breaks the lines of scripts/mutations.mjs one by one, in a copy of this project, runs
// the tests beside each, and lists what none of them noticed. Arguments choose: a mutation is tried if its
// file or its name holds one of them. When all were tried, the result goes into CONTRIBUTING.md.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { MUTATIONS } from './mutations.mjs'
import { ensureServers } from './redis.mjs'
import { fail, root, runTool } from './run.mjs'

/** What runs longer hangs, and that is noticed. In milliseconds. */
const LONGEST_RUN = 300_000
const copy = join(root, '.build', 'mutate')
const report = join(root, '.build', 'mutate.json')

const wanted = process.argv.slice(2)
const isWanted = ({ file, name }) =>
  wanted.length === 0 || wanted.some(text => `${file} ${name}`.includes(text))
const chosen = MUTATIONS.filter(isWanted)

ensureBuilt()
Object.assign(process.env, ensureServers())
makeCopy()
console.log(`The tests of ${chosen.length} mutations, as they are ...`)
const red = redTests([...new Set(chosen.flatMap(({ tests }) => tests))])
for (const path of red) console.log(`  ${path} fails without any mutation, and is left out`)
const unnoticed = chosen.filter(each => !isNoticed(each))
tell()

/** The files of this project as they stand here, and its packages. */
function makeCopy() {
  rmSync(copy, { recursive: true, force: true })
  const list = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (list.status !== 0) fail('git does not list the files of this project')
  for (const name of list.stdout.trim().split('\n').filter(isThere)) {
    mkdirSync(dirname(join(copy, name)), { recursive: true })
    copyFileSync(join(root, name), join(copy, name))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  build()
}

function isThere(name) {
  return existsSync(join(root, name))
}

/** For the tests that start programs, which are those of files. Types may be wrong: it is made all the same. */
function build() {
  const args = ['-p', 'tsconfig.build.json', '--outDir', 'dist']
  runTool('tsc', args, { cwd: copy, stdio: 'ignore' })
}

/** Those that fail without any mutation: they cannot tell anything. */
function redTests(tests) {
  runTests(tests, [])
  return testResults()
    .filter(isFailed)
    .map(({ name }) => relative(copy, name))
}

function isNoticed(mutation) {
  const { file, name, from, to, tests } = mutation
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) fail(`${file} does not hold once: ${from}`)
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  if (file.startsWith('src/storages/file')) build()
  const noticedBy = failureOf(tests.filter(path => !red.includes(path)))
  writeFileSync(path, text)
  const place = `${MUTATIONS.indexOf(mutation) + 1}/${MUTATIONS.length} ${file}: ${name}`
  console.log(noticedBy === undefined ? `${place}\n  NOT NOTICED` : `${place}\n  by ${noticedBy}`)
  return noticedBy !== undefined
}

/** Runs them, and answers how that ended. */
function runTests(tests, flags, timeout) {
  rmSync(report, { force: true })
  const limits = ['--testTimeout=60000', '--hookTimeout=60000']
  const output = ['--reporter=json', `--outputFile=${report}`]
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...limits, ...output, ...flags, ...tests]
  const options = { cwd: copy, stdio: 'ignore', timeout, killSignal: 'SIGKILL' }
  return spawnSync(process.execPath, args, options).status
}

function testResults() {
  return JSON.parse(readFileSync(report, 'utf8')).testResults
}

/** The first test that fails, or what else there is to say; `undefined` when all is well. */
function failureOf(tests) {
  for (const path of tests) {
    const failure = failureIn(path)
    if (failure !== undefined) return failure
  }
  return undefined
}

function failureIn(path) {
  if (runTests([path], ['--bail=1', '--maxWorkers=1'], LONGEST_RUN) === 0) return undefined
  if (!existsSync(report)) return 'a run that never ends'
  const failed = testResults().flatMap(file => file.assertionResults.filter(isFailed))
  if (failed.length > 0) return `"${failed[0].fullName}"`
  const broken = testResults().find(isFailed)
  if (broken === undefined) return 'an error outside of the tests'
  if (/\b(?:PARSE_ERROR|SyntaxError|Transform failed)\b/.test(broken.message)) {
    fail(`The mutation is no program: ${broken.message}`)
  }
  return broken.message.split('\n')[0]
}

function isFailed({ status }) {
  return status === 'failed'
}

function tell() {
  const holes = unnoticed.filter(({ equivalent }) => equivalent === undefined)
  for (const { file, name } of holes) console.log(`Not noticed: ${file}: ${name}`)
  const noticed = chosen.length - unnoticed.length
  const others = unnoticed.length - holes.length
  const result = `${chosen.length} mutations, ${noticed} noticed, ${others} without any effect, ${holes.length} not noticed`
  console.log(`\n${result}`)
  if (wanted.length === 0) write(result)
  rmSync(copy, { recursive: true, force: true })
  process.exit(holes.length > 0 ? 1 : 0)
}

function write(result) {
  const path = join(root, 'CONTRIBUTING.md')
  const line = `<!-- npm run mutate -->${new Date().toISOString().slice(0, 10)}: ${result}.`
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^<!-- npm run mutate -->.*$/m, line))
}
