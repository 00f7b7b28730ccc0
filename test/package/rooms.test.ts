import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

interface Rule {
  /** What a file of the room may import, beside its own room. */
  readonly allows: readonly RegExp[]
  readonly why: string
}

const RULES: Readonly<Record<string, Rule>> = {
  core: {
    allows: [/^node:(?:crypto|timers)$/],
    why: 'core does no I/O and stands on its own: every other room stands on it',
  },
  storages: { allows: [/^core\//], why: 'a storage only stores: it knows core alone' },
  http: {
    allows: [/^core\//, /^node:async_hooks$/],
    why: 'http carries ids and orders saves for any storage and any adapter: it knows core alone',
  },
  adapters: {
    allows: [/^core\//, /^http\/index\.js$/, /^node:/, /^@grpc\/grpc-js$/],
    why: "an adapter only translates: it comes in through http's door",
  },
  testing: {
    allows: [/^core\//, /^node:assert/, /^node:timers/],
    why: 'the published contract must hold for any storage: it knows core alone',
  },
  '.': {
    allows: [
      /^core\//,
      /^storages\//,
      /^http\/current-session\.js$/,
      /^(?:goframe|open-storage|redis)\.js$/,
      /^redis$/,
    ],
    why: 'the index exports, and chooses the storage; packages are loaded only when a URL names them',
  },
}

/** The files of the storages that may use Node: those of the file storage and its ciphers. */
const USES_NODE = /^storages\/(?:file|aes-gcm|goframe-cipher)/

describe('the rooms of the built package', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.js'))
    .map(file => file.replaceAll('\\', '/'))
  const imports = new Map(files.map(file => [file, importsOf(file)]))

  it.each([...imports])('%s imports only what its room may', (file, names) => {
    const room = file.includes('/') ? (file.split('/')[0] ?? '.') : '.'
    const rule = RULES[room]
    for (const name of names) {
      const isOwn = room !== '.' && name.startsWith(`${room}/`)
      const isNodeOfFiles = USES_NODE.test(file) && name.startsWith('node:')
      const isAllowed = isOwn || isNodeOfFiles || rule?.allows.some(allowed => allowed.test(name))
      expect(isAllowed, `${file} imports ${name}: ${rule?.why}`).toBe(true)
    }
  })

  it('has no cycle', () => {
    for (const file of imports.keys()) expect(cycleFrom(file, imports, [])).toBeUndefined()
  })

  it('is imported by nobody through its index', () => {
    for (const [file, names] of imports) expect(names, file).not.toContain('index.js')
  })
})

function importsOf(file: string): string[] {
  const text = readFileSync(join(dist, file), 'utf8')
  const found = text.matchAll(/^(?:import|export)\b(?:.*? from)? '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...found]
    .map(([, fixed, dynamic]) => fixed ?? dynamic ?? '')
    .map(name =>
      name.startsWith('.')
        ? relative(dist, join(dist, dirname(file), name)).replaceAll('\\', '/')
        : name,
    )
}

function cycleFrom(
  file: string,
  imports: ReadonlyMap<string, readonly string[]>,
  path: readonly string[],
): readonly string[] | undefined {
  if (path.includes(file)) return [...path, file]
  for (const name of imports.get(file) ?? []) {
    const cycle = cycleFrom(name, imports, [...path, file])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
