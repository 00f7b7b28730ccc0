import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { StorageFile, type StorageFileOptions } from '../../src/storages/file.ts'
import { storageContract } from '../../src/testing/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'gsession-contract-'))
let opened = 0

afterAll(() => rmSync(folder, { recursive: true }))

const VARIANTS: Readonly<Record<string, StorageFileOptions>> = {
  StorageFile: {},
  'StorageFile, encrypted': { encryption: { keys: [randomBytes(32)] } },
  "StorageFile with GoFrame's cipher": { encryption: { insecureGoFrame: true } },
  'StorageFile, durable': { durability: 'power' },
  'StorageFile, keeping one session in memory': { maxCached: 1 },
}

for (const [name, options] of Object.entries(VARIANTS)) {
  storageContract(
    { describe, it },
    {
      name,
      open: clock => new StorageFile({ ...options, clock, path: join(folder, `${opened++}`) }),
    },
  )
}
