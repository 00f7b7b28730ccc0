import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md'))
    .map(path => join('docs', path)),
]

describe('the docs', () => {
  it.each(pages)('%s links only to what exists', page => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!target.includes(':')) {
        expect(existsSync(join(root, dirname(page), target)), `${page} -> ${target}`).toBe(true)
      }
    }
  })

  it('explain every error code, and no other', () => {
    const [, union = ''] =
      /export type SessionErrorCode =([\s\S]*?)\n\n/.exec(read('src/core/errors.ts')) ?? []
    const codes = [...union.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code)
    const explained = [...read('docs/errors.md').matchAll(/^\| `(ERR_\w+)`/gm)].map(
      ([, code]) => code,
    )
    expect(codes.length).toBeGreaterThan(5)
    expect(explained.sort()).toEqual(codes.sort())
  })

  it.each([
    ['src/core/manager.ts', 'new Manager(options)'],
    ['src/storages/file.ts', 'new StorageFile(options)'],
  ])('list the options of %s in the README', (file, heading) => {
    const [, list = ''] = /const OPTIONS = \[([\s\S]*?)\]/.exec(read(file)) ?? []
    const options = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name)
    const table = read('README.md').split(`### ${heading}`)[1]?.split('###')[0] ?? ''
    const rows = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    expect(rows.sort()).toEqual(options.sort())
  })

  it('list the HTTP options in the README', () => {
    const text = read('src/http/options.ts')
    const listed = (name: string): string[] => {
      const [, list = ''] = new RegExp(`const ${name} = \\[([\\s\\S]*?)\\]`).exec(text) ?? []
      return [...list.matchAll(/'(\w+)'/g)].map(([, option = '']) => option)
    }
    const readme = read('README.md')
    for (const option of listed('OPTIONS')) expect(readme).toContain(`| \`${option}\``)
    for (const option of listed('COOKIE_OPTIONS')) expect(readme).toContain(`\`cookie.${option}\``)
  })
})

/** Every exported symbol of GoFrame's package gsession, as its page for v2.6.4 lists them. */
const GO_SYMBOLS = `
DefaultStorageFileCryptoEnabled DefaultStorageFileUpdateTTLInterval DefaultStorageFileClearExpiredInterval
DefaultStorageRedisLoopInterval DefaultStorageFilePath DefaultStorageFileCryptoKey ErrorDisabled NewSessionId
Manager New Manager.New Manager.GetStorage Manager.SetStorage Manager.GetTTL Manager.SetTTL
Session Session.Close Session.Contains Session.Data Session.Get Session.Id Session.IsDirty Session.MustContains
Session.MustData Session.MustGet Session.MustId Session.MustRemove Session.MustSet Session.MustSetMap Session.MustSize
Session.Remove Session.RemoveAll Session.Set Session.SetId Session.SetIdFunc Session.SetMap Session.Size
Storage Storage.New Storage.Get Storage.GetSize Storage.Data Storage.Set Storage.SetMap Storage.Remove
Storage.RemoveAll Storage.GetSession Storage.SetSession Storage.UpdateTTL StorageBase
StorageFile NewStorageFile StorageFile.GetSession StorageFile.RemoveAll StorageFile.SetCryptoEnabled
StorageFile.SetCryptoKey StorageFile.SetSession StorageFile.UpdateTTL
StorageMemory NewStorageMemory StorageMemory.GetSession StorageMemory.RemoveAll StorageMemory.SetSession
StorageMemory.UpdateTTL StorageRedis NewStorageRedis StorageRedisHashTable NewStorageRedisHashTable
`

describe('the table from Go to TypeScript', () => {
  const table = read('docs/go-to-typescript.md')
  it.each(GO_SYMBOLS.trim().split(/\s+/))('says where %s went', symbol => {
    expect(table).toContain(`\`${symbol}\``)
  })
})
