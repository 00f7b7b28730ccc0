import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md'))
    .map(path => join('docs', path))
    .sort(),
]

describe('links', () => {
  it.each(PAGES)('of %s lead to what is there', page => {
    for (const [, target = ''] of withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(target)) continue
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      expect(existsSync(join(ROOT, file)), `${page}: ${target}`).toBe(true)
      if (heading !== undefined) expect(anchorsOf(file), `${page}: ${target}`).toContain(heading)
    }
  })

  it('lead to every page from another one', () => {
    const linked = PAGES.flatMap(page =>
      [...read(page).matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) =>
        normalize(join(dirname(page), target)),
      ),
    )
    const found = new Set([...linked, 'README.md'])
    const isFound = (page: string): boolean => found.has(page) || found.has(dirname(page))
    expect(PAGES.filter(page => !isFound(page))).toEqual([])
  })
})

describe('what the pages name', () => {
  const named = (pattern: RegExp): string[] => [
    ...new Set(
      PAGES.flatMap(page => [...read(page).matchAll(pattern)].map(([, name = '']) => name)),
    ),
  ]

  it('is a test that exists', () => {
    const tests = named(/\b(test\/[\w/.-]+\.test\.ts)/g)
    expect(tests.length).toBeGreaterThan(10)
    expect(tests.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('is a source file that exists', () => {
    const files = named(/`((?:src|core|storages|http|adapters)\/[\w/-]+\.ts)`/g)
    const isThere = (path: string): boolean =>
      existsSync(join(ROOT, path.replace(/^(?!src)/, 'src/')))
    expect(files.filter(path => !isThere(path))).toEqual([])
  })

  it('is a script that exists', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const commands = named(/\bnpm (?:run )?(start|test|(?<=run )\w+)/g)
    expect(commands).toContain('bench')
    expect(commands.filter(name => !(name in scripts))).toEqual([])
  })

  it('is a subpath that is exported', () => {
    const { exports } = JSON.parse(read('package.json'))
    const subpaths = named(/['`]gsession(\/[a-z]+)?['`]/g).map(path => `.${path}`)
    expect(subpaths).toContain('./http')
    expect(subpaths.filter(path => !(path in exports))).toEqual([])
  })

  it('are the variables that the demo reads', () => {
    const [, list = ''] = /const \{ ([^}]+) \} = process\.env/.exec(read('demo/server.ts')) ?? []
    const variables = list.split(', ').map(variable => variable.replace(/ =.*/, ''))
    expect(variables.length).toBeGreaterThan(0)
    expect(tableUnder('README.md', 'Demo').map(([name]) => name)).toEqual(variables)
  })
})

describe('the table of errors', () => {
  const [, union = ''] =
    /export type SessionErrorCode =([\s\S]*?)\n\n/.exec(read('src/core/errors.ts')) ?? []
  const codes = [...union.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code)

  it('has every code, and no other', () => {
    expect(codes.length).toBeGreaterThan(5)
    const listed = [...read('docs/errors.md').matchAll(/^\| `(ERR_\w+)`/gm)].map(([, code]) => code)
    expect(listed).toEqual(codes)
  })

  it('has every code that any page names', () => {
    const named = PAGES.flatMap(page => read(page).match(/\bERR_[A-Z_]+\b/g) ?? [])
    expect(named.filter(code => !codes.includes(code))).toEqual([])
  })
})

const MANAGER = optionsOf('src/core/manager.ts', 'ManagerOptions')
const FILE = optionsOf('src/storages/file.ts', 'StorageFileOptions')
const REDIS = optionsOf('src/storages/redis-options.ts', 'RedisStorageOptions')
const MEMORY = optionsOf('src/storages/memory.ts', 'StorageMemoryOptions')
const HTTP = [
  ...optionsOf('src/http/options.ts', 'HttpSessionOptions'),
  ...optionsOf('src/adapters/node.ts', 'NodeSessionOptions'),
  ...optionsOf('src/http/cookie-settings.ts', 'CookieOptions').map(
    ([name, preset]) => [`cookie.${name}`, preset] as const,
  ),
]

describe('the table of options', () => {
  it.each([
    ['README.md', 'new Manager(options)', MANAGER],
    ['README.md', 'new StorageFile(options)', FILE],
    ['README.md', 'new StorageMemory(options)', MEMORY],
    ['README.md', 'session(manager, options)', HTTP],
    ['docs/storages/file.md', 'Options', FILE],
    ['README.md', 'new StorageRedis(options), new StorageRedisHashTable(options)', REDIS],
    ['docs/storages/redis.md', 'Options', REDIS],
    ['docs/storages/memory.md', 'Options', MEMORY],
  ])('in %s, %s, has the names and defaults of the source', (page, heading, options) => {
    const rows = tableUnder(page, heading)
    expect(rows.map(([name]) => name)).toEqual(options.map(([name]) => name))
    for (const [index, [name, preset]] of options.entries()) {
      // A default in words may be said in others; one in code may not.
      if (/^(?:'.*'|\d+|true|false|[\w.]+\.[\w.]+)$/.test(preset)) {
        expect(rows[index]?.[1], name).toBe(`\`${preset}\``)
      }
    }
  })
})

/** A complete program in a page. */
interface Program {
  readonly page: string
  /** What it is compiled with: on its own, if it says the data type of all sessions. */
  readonly project: string
  /** Where it is compiled, without suffix. */
  readonly name: string
  readonly text: string
  readonly isRun: boolean
}

const PROGRAMS = PAGES.flatMap(programsOf)
const PROJECTS = [...new Set(PROGRAMS.map(({ project }) => project))]
/** Within the project, so that `gsession` is the built package itself. */
const FOLDER = join(ROOT, '.build', `docs-${process.pid}`)

describe('the programs', () => {
  beforeAll(() => {
    for (const { project, name, text } of PROGRAMS) {
      const file = join(FOLDER, project, `${name}.ts`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    const compilerOptions = {
      rootDir: '.',
      outDir: 'out',
      noUnusedLocals: false,
      noUnusedParameters: false,
    }
    const base = join(ROOT, 'tsconfig.base.json')
    const config = { extends: base, compilerOptions, include: ['.'] }
    for (const project of PROJECTS) {
      writeFileSync(join(FOLDER, project, 'tsconfig.json'), JSON.stringify(config))
    }
  })
  afterAll(() => rmSync(FOLDER, { recursive: true }))

  it('compile, and those that are to be run do what they say', async () => {
    expect(PROGRAMS.length).toBeGreaterThan(10)
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    for (const project of PROJECTS) {
      const compile = run(process.execPath, [compiler, '-p', join(FOLDER, project)])
      expect((await compile.catch(error => error)).stdout).toBe('')
    }

    for (const { page, project, name, text } of PROGRAMS.filter(({ isRun }) => isRun)) {
      const output = await run(process.execPath, [join(FOLDER, project, 'out', `${name}.js`)])
      const expected = text.match(/(?<=console\.log\(.*\) \/\/ ).*$/gm)
      if (expected !== null) expect(output.stdout.trimEnd().split('\n'), page).toEqual(expected)
    }
  })
})

function programsOf(page: string): Program[] {
  const pattern = /^```ts (runnable|compiles)(?: (\S+)\.ts)?\n([\s\S]*?)^```$/gm
  const folder = page.replace(/\.md$/, '')
  return [...read(page).matchAll(pattern)].map(([, marker, file, text = ''], index) => {
    const name = join(folder, file ?? `program-${index + 1}`)
    const project = /interface Register\b/.test(text) ? join('registered', name) : 'all'
    return { page, project, name, text, isRun: marker === 'runnable' }
  })
}

/** The names of the options that an interface has, and their defaults as its comments say. */
function optionsOf(path: string, name: string): (readonly [name: string, preset: string])[] {
  const [, body = ''] =
    new RegExp(`^export interface ${name}\\b.*\\{\n([\\s\\S]*?)^\\}`, 'm').exec(read(path)) ?? []
  const options = [...body.matchAll(/\/\*\*([\s\S]*?)\*\/\s*(\w+)\??:/g)].map(
    ([, comment = '', option = '']) => {
      const [, preset = ''] = /@default (.+?)\s*$/m.exec(comment.trimEnd()) ?? []
      return [option, preset] as const
    },
  )
  if (options.length === 0) throw new Error(`${path} has no options in ${name}`)
  return options
}

/** The cells of the first table under a heading, the first one without its backticks. */
function tableUnder(page: string, heading: string): string[][] {
  const text = read(page)
  const start = text.split('\n').findIndex(line => line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`${page} has no heading "${heading}"`)
  const section = text.split('\n').slice(start + 1)
  const first = section.findIndex(line => line.startsWith('|'))
  const length = section.slice(first).findIndex(line => !line.startsWith('|'))
  return section.slice(first + 2, first + length).map(line => {
    const [name = '', ...cells] = line.slice(2).split(' | ')
    return [name.replaceAll('`', ''), ...cells]
  })
}

/** What GitHub makes of headings. */
function anchorsOf(page: string): string[] {
  return [...withoutCode(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}
