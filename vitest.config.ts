import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => new URL(`./src/${path}`, import.meta.url).pathname

/** The subpaths of the package as they are in src. */
const SUBPATHS: Readonly<Record<string, string>> = {
  gsession: 'index.ts',
  'gsession/http': 'adapters/node.ts',
  'gsession/express': 'adapters/express.ts',
  'gsession/fastify': 'adapters/fastify.ts',
  'gsession/koa': 'adapters/koa.ts',
  'gsession/hono': 'adapters/hono.ts',
  'gsession/fetch': 'adapters/fetch.ts',
  'gsession/ws': 'adapters/ws.ts',
  'gsession/grpc': 'adapters/grpc.ts',
  'gsession/redis': 'redis.ts',
  'gsession/testing': 'testing/index.ts',
}

const ALL = 'test/**/*.test.ts'
/** Tests that change what others see (the global Response, node:fs, the timers), start browsers, or measure the heap. */
const ISOLATED = [
  'test/adapters/{browser,fetch*,hono*,nest*,statuses}.test.ts',
  'test/core/{faked-time,session,session-id}.test.ts',
  'test/http/sliding.test.ts',
  'test/storages/{file-faults,file-sweep,memory-size,memory-time,model}.test.ts',
]

export default defineConfig({
  resolve: {
    alias: Object.entries(SUBPATHS).map(([name, path]) => ({
      find: new RegExp(`^${name}$`),
      replacement: source(path),
    })),
  },
  test: {
    // A machine that does other work makes the tests slow, never red.
    runner: './test/helpers/skipping-runner.ts',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Contracts over Redis wait for real expiry, and do it side by side.
    maxConcurrency: 20,
    // Many files wait more than they work.
    maxWorkers: availableParallelism() + 2,
    projects: [
      { extends: true, test: { name: 'isolated', include: ISOLATED } },
      {
        extends: true,
        test: { name: 'shared', include: [ALL], exclude: ISOLATED, isolate: false },
      },
    ],
  },
})
