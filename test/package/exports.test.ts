import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, string | Record<string, string>>
}

/** The names that each subpath exports: adding one is a decision, removing one breaks programs. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'ErrorDisabled',
    'Manager',
    'Session',
    'SessionError',
    'StorageBase',
    'StorageFile',
    'StorageMemory',
    'Var',
    'currentSession',
    'decodeData',
    'encodeData',
    'goframe',
    'isAtomicStorage',
    'isSessionId',
    'newSessionId',
    'openStorage',
  ],
  './http': ['session'],
  './express': ['session'],
  './fastify': ['default'],
  './koa': ['session'],
  './hono': ['session'],
  './fetch': ['session'],
  './ws': ['attachSession', 'session'],
  './grpc': ['session', 'sessionOf', 'statusOf'],
  './redis': ['StorageRedis', 'StorageRedisHashTable'],
  './testing': ['storageContract'],
}

describe('the built package', () => {
  it.each(Object.entries(exports))('has the files of %s', (_subpath, targets) => {
    for (const target of typeof targets === 'string' ? [targets] : Object.values(targets)) {
      expect(existsSync(fileURLToPath(new URL(target, root))), target).toBe(true)
    }
  })

  it.each(Object.entries(NAMES))(
    'exports from %s these names and no others',
    async (subpath, names) => {
      const targets = exports[subpath]
      const file = typeof targets === 'string' ? targets : (targets?.['default'] ?? '')
      const loaded: object = await import(/* @vite-ignore */ new URL(file, root).href)
      expect(Object.keys(loaded).sort()).toEqual([...names].sort())
    },
  )
})
