import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** Every exported symbol of GoFrame's package gsession, as its page for v2.6.4 lists them. */
const SYMBOLS: Readonly<Record<string, string>> = {
  constants: `DefaultStorageFileCryptoEnabled DefaultStorageFileUpdateTTLInterval
    DefaultStorageFileClearExpiredInterval DefaultStorageRedisLoopInterval`,
  variables: 'DefaultStorageFilePath DefaultStorageFileCryptoKey ErrorDisabled',
  functions: `New NewSessionId NewStorageFile NewStorageMemory NewStorageRedis
    NewStorageRedisHashTable`,
  types: `Manager Session Storage StorageBase StorageFile StorageMemory StorageRedis
    StorageRedisHashTable`,
  Manager: 'GetStorage GetTTL New SetStorage SetTTL',
  Session: `Close Contains Data Get Id IsDirty MustContains MustData MustGet MustId MustRemove
    MustSet MustSetMap MustSize Remove RemoveAll Set SetId SetIdFunc SetMap Size`,
  Storage: `New Get GetSize Data Set SetMap Remove RemoveAll GetSession SetSession UpdateTTL`,
  StorageBase: `Data Get GetSession GetSize New Remove RemoveAll Set SetMap SetSession UpdateTTL`,
  StorageFile: 'GetSession RemoveAll SetCryptoEnabled SetCryptoKey SetSession UpdateTTL',
  StorageMemory: 'GetSession RemoveAll SetSession UpdateTTL',
  StorageRedis: 'GetSession RemoveAll SetSession UpdateTTL',
  StorageRedisHashTable: `Data Get GetSession GetSize Remove RemoveAll Set SetMap SetSession
    UpdateTTL`,
}

const page = readFileSync(new URL('../../docs/go-to-typescript.md', import.meta.url), 'utf8')
const [, tables = ''] =
  /^## Constants and variables$([\s\S]*)^## The server's settings$/m.exec(page) ?? []
/** Where each symbol went. */
const rows = new Map(
  [...tables.matchAll(/^\| `([\w.]+)`[^|]*\|([^|]*)\|/gm)].map(([, symbol = '', where = '']) => [
    symbol,
    where.trim(),
  ]),
)

describe('the table from Go to TypeScript', () => {
  it.each(Object.entries(SYMBOLS))('says where each went: %s', (kind, names) => {
    const prefix = /^[A-Z]/.test(kind) ? `${kind}.` : ''
    for (const name of names.split(/\s+/)) {
      expect(rows.get(prefix + name), `${prefix}${name}`).toMatch(/\S/)
    }
  })

  it('says nothing of symbols that are not there', () => {
    const all = Object.entries(SYMBOLS).flatMap(([kind, names]) =>
      names.split(/\s+/).map(name => (/^[A-Z]/.test(kind) ? `${kind}.${name}` : name)),
    )
    const later = ['Session.RegenerateId', 'Session.MustRegenerateId']
    expect([...rows.keys()].sort()).toEqual([...all, ...later].sort())
  })
})
