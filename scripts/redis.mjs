// Finds the servers that the tests run against, and installs them where apt can. As a program it
// prints their paths, for tests that were not started by npm test.
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, root } from './run.mjs'

/** The oldest Redis without SET ... IFEQ that matters, and the oldest Valkey with it. */
const KINDS = [
  { kind: 'redis', title: 'Redis', oldest: 7.0, variable: 'REDIS_SERVER' },
  { kind: 'valkey', title: 'Valkey', oldest: 8.1, variable: 'VALKEY_SERVER' },
]
const WHAT_TO_INSTALL =
  'The tests need a real server: install redis-server 7.0 or newer or valkey-server 8.1 or newer (CI needs both), on the PATH or at the path in REDIS_SERVER or VALKEY_SERVER.'
/** The release of Debian that has them all. */
const COMPLETE_RELEASE = 'trixie'
const folder = join(root, '.build', 'servers')
const IS_ROOT = process.getuid?.() === 0

/** The paths of the servers, as environment variables; they may be missing outside of CI. */
export function ensureServers() {
  let found = findServers()
  const missing = KINDS.filter(({ variable }) => !found[variable])
  if (missing.length > 0 && installByApt(missing)) found = findServers()
  const kinds = Object.keys(found).length
  if (kinds < KINDS.length && process.env.CI) fail(WHAT_TO_INSTALL)
  if (kinds === 0) console.error(`Skipping the tests of Redis. ${WHAT_TO_INSTALL}`)
  return found
}

function findServers() {
  const paths = KINDS.map(kind => [kind.variable, findServer(kind)])
  return Object.fromEntries(paths.filter(([, path]) => path))
}

function findServer(kind) {
  const named = process.env[kind.variable]
  if (named && !isServer(kind, named)) {
    fail(
      `${kind.variable} is ${named}, which is not ${kind.title} ${kind.oldest.toFixed(1)} or newer`,
    )
  }
  if (named) return named
  const path = onPath(`${kind.kind}-server`)
  if (path && isServer(kind, path)) return path
  return [linkToTools(kind), unpackedServer(kind)].find(each => each && isServer(kind, each))
}

/**
 * Debian keeps the server's program in the package of the tools, as redis-check-rdb: it serves when
 * it is called redis-server. So the tests never need the package that starts a service on port 6379.
 */
function linkToTools({ kind }) {
  const program = onPath(`${kind}-check-rdb`)
  if (!program) return undefined
  const link = join(folder, `${kind}-server`)
  if (!existsSync(link)) linkTo(program, link)
  return link
}

function linkTo(program, link) {
  mkdirSync(folder, { recursive: true })
  // Made aside and brought into place at once: several test files may do this at the same time.
  const made = `${link}-${process.pid}`
  symlinkSync(program, made)
  renameSync(made, link)
}

/** Some systems have a redis-server that is Valkey, so the program is asked what it is. */
function isServer({ title, oldest }, path) {
  const [name, version] = versionOf(path)
  return name === title && Number.parseFloat(version) >= oldest
}

/** What a server calls itself: `['Valkey', '8.1.1']`. */
export function versionOf(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return /^(\w+) server v=(\S+)/m.exec(stdout ?? '')?.slice(1) ?? []
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map(each => join(each, name)).find(isProgram)
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Whether something may have been installed, or unpacked by a user who may not install. What apt has not
 * had once is not asked for again.
 */
function installByApt(kinds) {
  if (!onPath('apt-get')) return false
  const wanted = kinds.filter(kind => !existsSync(askedMark(kind)))
  if (wanted.length === 0) return false
  const names = wanted.map(packageOf)
  console.error(`${IS_ROOT ? 'Installing' : 'Unpacking'} ${names.join(' and ')} for the tests ...`)
  const apt = new Apt()
  try {
    apt.update()
    if (IS_ROOT) apt.install(names)
    for (const kind of wanted.filter(each => !findServer(each))) apt.unpack(kind)
  } finally {
    apt.close()
  }
  mkdirSync(folder, { recursive: true })
  for (const kind of wanted) writeFileSync(askedMark(kind), '')
  return true
}

function packageOf({ kind }) {
  return `${kind}-tools`
}

function askedMark(kind) {
  return join(folder, `${packageOf(kind)}-${kind.oldest}.asked`)
}

/** Where a server is that was unpacked, and not installed. */
function unpackedServer({ kind }) {
  return join(folder, kind, 'server')
}

/** apt with lists of its own, so that the system's sources and lists stay as they are. */
class Apt {
  #folder = mkdtempSync(join(tmpdir(), 'gsession-apt-'))
  #sources = join(this.#folder, 'sources')
  #options = []

  constructor() {
    const lists = join(this.#folder, 'lists')
    const cache = join(this.#folder, 'cache')
    mkdirSync(join(lists, 'partial'), { recursive: true })
    mkdirSync(join(cache, 'archives', 'partial'), { recursive: true })
    mkdirSync(this.#sources)
    const present = '/etc/apt/sources.list.d'
    if (existsSync(present)) cpSync(present, this.#sources, { recursive: true })
    const settings = {
      'Dir::Etc::sourceparts': this.#sources,
      'Dir::State::lists': lists,
      'Dir::Cache': cache,
      // The folder is this user's alone.
      'APT::Sandbox::User': 'root',
      'DPkg::Lock::Timeout': '300',
    }
    this.#set(settings)
  }

  update() {
    this.#run(['update'])
  }

  /** One by one: a system that has only one of them gets that one. */
  install(names) {
    for (const name of names) this.#run(['install', '-y', '--no-install-recommends', name])
  }

  /**
   * For a release of Debian that has no such server, or too old a one: that of a newer release, with all
   * the libraries that it needs beside it, from where the system's own packages come.
   */
  unpack(kind) {
    const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
    const targets = this.#run(['indextargets', '--format', '$(LABEL) $(COMPONENT) $(REPO_URI)'])
    const target = targets.split('\n').find(line => line.startsWith('Debian main '))
    if (!target || !existsSync(keys)) return
    const uri = target.split(' ')[2]
    const line = `deb [signed-by=${keys}] ${uri} ${COMPLETE_RELEASE} main\n`
    rmSync(this.#sources, { recursive: true })
    mkdirSync(this.#sources)
    writeFileSync(join(this.#sources, 'newer.list'), line)
    // As if nothing was installed yet.
    const status = join(this.#folder, 'status')
    writeFileSync(status, '')
    // Nobody else has anything to do with what is downloaded here.
    const settings = { 'Dir::State::status': status, 'Debug::NoLocking': 'true' }
    this.#set({ 'Dir::Etc::sourcelist': '/dev/null', ...settings })
    this.update()
    this.#run(['install', '-y', '--download-only', '--no-install-recommends', packageOf(kind)])
    unpackServer(kind, join(this.#folder, 'cache', 'archives'))
  }

  close() {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #set(settings) {
    for (const [name, value] of Object.entries(settings))
      this.#options.push('-o', `${name}=${value}`)
  }

  #run(args) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const options = { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 300_000 }
    return spawnSync('apt-get', ['-qq', ...this.#options, ...args], options).stdout ?? ''
  }
}

/** Its program is started with its own libraries, by the loader that is among them. */
function unpackServer(kind, packages) {
  const place = join(folder, kind.kind)
  const made = `${place}-${process.pid}`
  mkdirSync(made, { recursive: true })
  for (const name of readdirSync(packages).filter(each => each.endsWith('.deb'))) {
    spawnSync('dpkg-deb', ['--extract', join(packages, name), made])
  }
  const files = readdirSync(made, { recursive: true })
  const loader = files.find(each => /\/ld-linux[^/]*\.so\.\d+$/.test(each))
  const program = files.find(each => each.endsWith(`/bin/${kind.kind}-check-rdb`))
  const libraries = files.find(each => each.endsWith('/libc.so.6'))
  if (loader && program && libraries) {
    const script = `#!/bin/sh
here=$(dirname "$0")
exec "$here/${loader}" --argv0 ${kind.kind}-server --library-path "$here/${dirname(libraries)}" "$here/${program}" "$@"
`
    writeFileSync(join(made, 'server'), script, { mode: 0o755 })
  }
  rmSync(place, { recursive: true, force: true })
  renameSync(made, place)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(ensureServers()))
}
