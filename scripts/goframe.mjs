// npm run test:goframe: builds GoFrame's side of the tests (interop/) and runs those that need it;
// arguments go to vitest. With `record` it writes the recorded vectors anew instead.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureServers } from './redis.mjs'
import { fail, root, run } from './run.mjs'
import { runTests } from './run-tests.mjs'

/** The versions that are tested, and the module file of each. */
const VERSIONS = { newest: 'go.mod', '2.6.4': 'go-2.6.4.mod' }
const folder = join(root, '.build', 'goframe')

ensureGo()
ensureBuilt()
Object.assign(process.env, ensureServers())
for (const [version, module] of Object.entries(VERSIONS)) build(version, module)
if (process.argv[2] === 'record') await record()
else test()

function ensureGo() {
  if (spawnSync('go', ['version']).status === 0) return
  fail('npm run test:goframe needs Go 1.23 or newer, on the PATH, and there is none.')
}

function build(version, module) {
  mkdirSync(folder, { recursive: true })
  const args = ['build', '-trimpath', '-modfile', module, '-o', programOf(version), '.']
  if (run('go', args, { cwd: join(root, 'interop') }) !== 0) fail('interop/ could not be built')
}

function programOf(version) {
  return join(folder, `interop-${version}`)
}

function test() {
  process.env.GSESSION_GOFRAME = folder
  runTests('test/goframe')
}

async function record() {
  const port = await freePort()
  const { REDIS_SERVER, VALKEY_SERVER } = process.env
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--logfile', '']
  const server = spawn(REDIS_SERVER ?? VALKEY_SERVER, flags, {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.on('exit', () => server.kill())
  await isReady(server)
  for (const version of Object.keys(VERSIONS)) recordVersion(version, `127.0.0.1:${port}`)
  process.exit()
}

function recordVersion(version, address) {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 26 }
  const { status, stdout, stderr } = spawnSync(programOf(version), ['record', address], options)
  if (status !== 0) fail(`interop record failed: ${stderr}`)
  const path = join(root, 'test', 'fixtures', 'goframe', `${version}.json`)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, stdout)
  console.log(`Recorded GoFrame ${JSON.parse(stdout).goframe} in ${path}`)
}

async function isReady(server) {
  await new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error('The Redis server did not start')))
    server.stdout.on('data', text => {
      if (String(text).includes('eady to accept connections')) resolve()
    })
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}
