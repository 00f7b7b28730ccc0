// Installs the packed package into an empty project, loads every subpath by import and by require,
// and compiles a program against its types.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, root, run } from './run.mjs'

const { name, exports, devDependencies } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const subpaths = Object.keys(exports).map(path => name + path.slice(1))
const modules = subpaths.filter(path => !path.endsWith('.json'))
const project = mkdtempSync(join(tmpdir(), 'gsession-package-'))

try {
  must(
    run('npm', ['pack', '--silent', '--pack-destination', project], { stdio: 'ignore' }),
    'npm pack',
  )
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline']
  // The one framework that an adapter cannot even be loaded without.
  const grpc = `@grpc/grpc-js@${devDependencies['@grpc/grpc-js']}`
  must(
    inProject('npm', [...install, grpc, `./${name}-${version}.tgz`], { stdio: 'ignore' }),
    'npm install of the packed package',
  )
  for (const path of modules) {
    loadBy(`import(${JSON.stringify(path)})`, `import ${path}`)
    loadBy(`Promise.resolve(require(${JSON.stringify(path)}))`, `require ${path}`)
  }
  loadBy(`Promise.resolve(require('${name}/package.json'))`, `require ${name}/package.json`)
  compile()
} finally {
  rmSync(project, { recursive: true, force: true })
}

function loadBy(expression, what) {
  const program = `${expression}.then(loaded => console.log('  ${what}:', Object.keys(loaded).length, 'names'))`
  must(inProject(process.execPath, ['--no-warnings', '--input-type=commonjs', '-e', program]), what)
}

function compile() {
  writeFileSync(
    join(project, 'program.mts'),
    `import { Manager, StorageMemory, type Session } from 'gsession'
import { session } from 'gsession/http'
const manager = new Manager<{ views: number }>({ storage: new StorageMemory() })
const one: Session<{ views: number }> = manager.new()
export const views: number = await one.get('views', 0)
export const listener = session(manager)(async (request, response) => {
  response.end(String(await request.session.update('views', (n = 0) => n + 1)))
})
`,
  )
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  must(
    inProject(process.execPath, [tsc, ...flags, ...types, 'program.mts']),
    'a program that uses its types',
  )
}

function inProject(command, args, options) {
  return run(command, args, { cwd: project, ...options })
}

function must(status, what) {
  if (status !== 0) fail(`The packed package failed: ${what}`)
}
