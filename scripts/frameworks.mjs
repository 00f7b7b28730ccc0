// npm run test:frameworks: packs this package, installs it beside each framework of test/frameworks/,
// writes the programs of the docs there, builds them, and runs the tests that drive the real servers;
// arguments go to vitest.
import { createHash } from 'node:crypto'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { programsOf, projectsIn } from './doc-programs.mjs'
import { ensureInstalledIn } from './install.mjs'
import { fail, root, run } from './run.mjs'
import { runTests } from './run-tests.mjs'

/** Where each project has the module that most programs of docs/adapters/fetch.md share. */
const PROJECTS = {
  bun: 'session.ts',
  deno: 'session.ts',
  elysia: 'session.ts',
  'nest-12': undefined,
  'react-router': 'app/session.ts',
  sveltekit: 'src/session.ts',
  next: undefined,
}
const PAGES = ['docs/adapters/fetch.md', 'docs/adapters/nest.md']
/** What some of the frameworks ask for. */
const NEW_NODE = [22, 22]
/** What stays in a project's folder from one run to the next, beside what its build leaves. */
const KEPT = ['node_modules', 'build.sha256']
const folder = join(root, '.build', 'frameworks')

ensureBuilt()
copy('runtimes')
ensureInstalledIn('.build/frameworks/runtimes', 'Bun, Deno and Node 24')
const node = newNode()
const archive = pack()
const texts = PAGES.map(page => readFileSync(join(root, page), 'utf8'))
const unknown = projectsIn(texts).filter(name => !(name in PROJECTS))
if (unknown.length > 0)
  fail(`The docs show programs in ${unknown}: test/frameworks/ has no such project`)
for (const [name, place] of Object.entries(PROJECTS)) prepare(name, place)
test()

/** Brings a project up to date, unless nothing that it is made from has changed. */
function prepare(name, place) {
  const project = join(folder, name)
  const programs = programsOf(texts, name, place)
  const made = digest([...filesIn(source(name)), ...[...programs].flat()], archive)
  const mark = join(project, 'build.sha256')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === made) return
  rmSync(mark, { force: true })
  copy(name)
  for (const [path, text] of programs) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text)
  }
  if (existsSync(join(project, 'package-lock.json'))) {
    ensureInstalledIn(`.build/frameworks/${name}`, `the framework of test/frameworks/${name}`)
  }
  unpack(join(project, 'node_modules', 'gsession'))
  if (!build(project, name)) return
  writeFileSync(mark, made)
}

/** The files of a project in place of those of the last run. */
function copy(name) {
  const project = join(folder, name)
  mkdirSync(project, { recursive: true })
  for (const entry of readdirSync(project)) {
    if (!KEPT.includes(entry)) rmSync(join(project, entry), { recursive: true })
  }
  cpSync(source(name), project, { recursive: true })
}

function source(name) {
  return join(root, 'test', 'frameworks', name)
}

function pack() {
  for (const old of readdirSync(folder).filter(entry => entry.endsWith('.tgz'))) {
    rmSync(join(folder, old))
  }
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  if (run(npm, ['pack', '--silent', '--pack-destination', folder], { stdio: 'ignore' }) !== 0) {
    fail('npm pack failed')
  }
  return join(
    folder,
    readdirSync(folder).find(entry => entry.endsWith('.tgz')),
  )
}

/** What npm does with a package that depends on nothing. */
function unpack(place) {
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  if (run('tar', ['-xzf', archive, '-C', place, '--strip-components=1']) !== 0) {
    fail('The packed package could not be unpacked')
  }
}

function build(project, name) {
  const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  if (scripts?.build === undefined) return true
  if (node === undefined) {
    console.log(`${name} is not built: it needs Node ${NEW_NODE.join('.')} or newer`)
    return false
  }
  console.log(`Building test/frameworks/${name} ...`)
  const PATH = [dirname(node), process.env.PATH].join(delimiter)
  // Some builds load the program, whose storage makes its folder.
  const XDG_STATE_HOME = join(folder, 'state')
  const env = { ...process.env, PATH, XDG_STATE_HOME, NEXT_TELEMETRY_DISABLED: '1' }
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const log = `${project}.log`
  const output = openSync(log, 'w')
  const options = { cwd: project, env, stdio: ['ignore', output, output] }
  const status = run(npm, ['run', '--silent', 'build'], options)
  closeSync(output)
  if (status === 0) return true
  return fail(`${readFileSync(log, 'utf8')}\ntest/frameworks/${name} could not be built`)
}

/** This Node if it is new enough for all frameworks, or the one that npm has brought. */
function newNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > NEW_NODE[0] || (major === NEW_NODE[0] && minor >= NEW_NODE[1])) {
    return process.execPath
  }
  const program = join(folder, 'runtimes', 'node_modules', 'node24', 'bin', 'node')
  return existsSync(program) ? program : undefined
}

function filesIn(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .flatMap(file => [file, readFileSync(file)])
}

function digest(parts, file) {
  const hash = createHash('sha256').update(readFileSync(file))
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

function test() {
  process.env.GSESSION_FRAMEWORKS = folder
  if (node !== undefined) process.env.GSESSION_FRAMEWORKS_NODE = node
  runTests('test/frameworks')
}
