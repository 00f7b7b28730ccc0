import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => new URL(`./src/${path}`, import.meta.url).pathname

export default defineConfig({
  resolve: {
    alias: [
      { find: /^gsession$/, replacement: source('index.ts') },
      { find: /^gsession\/http$/, replacement: source('adapters/node.ts') },
      { find: /^gsession\/redis$/, replacement: source('redis.ts') },
      { find: /^gsession\/testing$/, replacement: source('testing/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    // Contracts over Redis wait for real expiry, and do it side by side.
    maxConcurrency: 20,
    // Many files wait more than they work.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
})
