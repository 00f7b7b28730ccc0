import { goframe, Manager, StorageFile } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { onTestFinished } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'
import type { Connected } from '../redis/clients.ts'
import type { RedisServer } from '../redis/servers/index.ts'
import type { GoDriver, GoPlace } from './go-driver.ts'

export const SHARED = ['file', 'crypted file', 'kv', 'hash'] as const
export type Shared = (typeof SHARED)[number]

let opened = 0

export interface BothSides {
  readonly manager: Manager
  /** What Go has to open, and its name in the driver. */
  readonly place: GoPlace
  readonly name: string
  /** The folder or the prefix. */
  readonly where: string
}

/** One place for sessions, opened on both sides until the test is done. */
export async function openBoth(
  go: GoDriver,
  kind: Shared,
  server: RedisServer,
  { client }: Connected,
  ttl = 60_000,
): Promise<BothSides> {
  const name = `${kind} ${++opened}`
  const crypto = kind === 'crypted file'
  const isFile = crypto || kind === 'file'
  const where = isFile ? tempFolder() : `both:${opened}:`
  const preset = goframe({ ttl, crypto, prefix: where, ...(isFile && { path: where }) })
  const redis = { ...preset.redis, client }
  const storage = isFile
    ? new StorageFile(preset.file)
    : new (kind === 'kv' ? StorageRedis : StorageRedisHashTable)(redis)
  const manager = new Manager({ ...preset.manager, storage })
  onTestFinished(() => manager.close())
  const place: GoPlace = isFile
    ? { kind: 'file', path: where, crypto, ttl }
    : { kind: kind === 'kv' ? 'kv' : 'hash', redis: `127.0.0.1:${server.port}`, prefix: where, ttl }
  await go.open(name, place)
  return { manager, place, name, where }
}
