import type { Duration } from './core/duration.ts'
import { isSessionError, SessionError } from './core/errors.ts'
import { refuseOption } from './core/options.ts'
import type { Storage } from './core/storage.ts'
import { StorageFile } from './storages/file.ts'
import { StorageMemory } from './storages/memory.ts'
import { redisError } from './storages/redis-error.ts'
import { KeptConnection } from './storages/redis-own-client.ts'

/**
 * The storage that a URL names, as an environment variable may hold it.
 *
 * | URL | storage | parameters |
 * |---|---|---|
 * | `memory:` | `StorageMemory` | `maxSessions` |
 * | `file:./sessions`, `file:/var/lib/app/sessions`, `file:` for the default folder | `StorageFile` | `durability` |
 * | `redis://host:6379/0?prefix=app:`, `rediss://` for TLS | `StorageRedis` | `prefix`, `timeout`, `cache` |
 * | `redis+hash://`, `rediss+hash://` | `StorageRedisHashTable` | `prefix`, `timeout`, `cache` |
 *
 * For Redis it connects, through the package `redis` (version 5 or 6), which must be installed; `close`
 * disconnects. For clients with settings of their own, make the storage yourself.
 *
 * @throws {@link SessionError} `ERR_OPTION` for a part or a parameter that nobody reads, without ever
 * telling the URL, which may hold a password; `ERR_STORAGE` when Redis cannot be reached within the
 * timeout
 */
export async function openStorage(url: string): Promise<Storage> {
  const [, scheme = '', rest = ''] = /^([a-z+]+):(.*)$/s.exec(url) ?? []
  if (scheme === 'memory') return openMemory(rest)
  if (scheme === 'file') return openFile(rest)
  const redis = /^(rediss?)(\+hash)?$/.exec(scheme)
  if (redis !== null) return openRedis(`${redis[1]}:${rest}`, redis[2] !== undefined)
  if (/^[./~]|^[A-Za-z]:[\\/]/.test(url)) {
    refuseOption('url', 'a URL: write file: before the path of a folder', 'a path')
  }
  const known = 'memory:, file:, redis://, redis+hash://, rediss:// or rediss+hash://'
  return refuseOption('url', `a text that begins with ${known}`, `${scheme}:`)
}

function openMemory(rest: string): Storage {
  const [path, parameters] = splitQuery(rest, ['maxSessions'])
  if (path !== '') refuseOption('url', 'memory: without anything behind it', 'more')
  const maxSessions = parameters.get('maxSessions')
  return new StorageMemory(maxSessions === null ? {} : { maxSessions: Number(maxSessions) })
}

function openFile(rest: string): Storage {
  const [path, parameters] = splitQuery(rest, ['durability'])
  if (/^\/\/[^/]/.test(path)) refuseOption('url', 'file: with a path and no host', 'a host')
  const durability = parameters.get('durability')
  return new StorageFile({
    ...(path === '' ? {} : { path: decodePath(path) }),
    // Whether it is one of the two, StorageFile knows best.
    ...(durability === null ? {} : { durability: durability as 'process' | 'power' }),
  })
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path.replace(/^\/\/\//, '/'))
  } catch {
    return refuseOption('url', 'file: with each % written as %25', 'another %')
  }
}

async function openRedis(url: string, asHash: boolean): Promise<Storage> {
  const address = parseUrl(url)
  const [, parameters] = splitQuery(address.search, ['prefix', 'timeout', 'cache'])
  if (!/^\/?\d*$/.test(address.pathname) || address.hash !== '') {
    refuseOption('url', 'redis:// with the number of a database as its path', 'another path')
  }
  const { StorageRedis, StorageRedisHashTable } = await import('./redis.ts')
  const Kind = asHash ? StorageRedisHashTable : StorageRedis
  const { createClient } = await importRedis()
  address.search = ''
  const client = makeClient(createClient, address.href)
  // What a call failed for reaches the one who made it.
  client.on('error', () => undefined)
  const timeout = (parameters.get('timeout') ?? '2s') as Duration
  const cache = parameters.get('cache') ?? 'false'
  if (cache !== 'true' && cache !== 'false') refuseOption('cache', 'true or false', cache)
  const prefix = parameters.get('prefix') ?? ''
  const storage = new Kind({ client, prefix, timeout, cache: cache === 'true' })
  const connection = new KeptConnection(client, storage.timeout)
  try {
    await connection.open()
  } catch (error) {
    throw isSessionError(error) ? error : redisError(error, [])
  }
  const close = async (): Promise<void> => {
    await Kind.prototype.close.call(storage)
    await connection.close()
  }
  return Object.assign(storage, { close })
}

type CreateClient = typeof import('redis')['createClient']

/** The client decodes the user and the password, which may fail. */
function makeClient(createClient: CreateClient, url: string): ReturnType<CreateClient> {
  try {
    return createClient({ url })
  } catch {
    return refuseOption('url', 'redis:// with each % written as %25', 'another')
  }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url)
  } catch {
    return refuseOption('url', 'redis://user:password@host:port/database', 'no such URL')
  }
}

async function importRedis(): Promise<typeof import('redis')> {
  try {
    return await import('redis')
  } catch (cause) {
    const message = 'A redis:// URL needs the package redis: run `npm install redis`'
    throw new SessionError('ERR_OPTION', message, { cause })
  }
}

/** What stands before the question mark, and the parameters behind it, each of a name that is known. */
function splitQuery(text: string, known: readonly string[]): [string, URLSearchParams] {
  const at = text.indexOf('?')
  const parameters = new URLSearchParams(at < 0 ? '' : text.slice(at + 1))
  for (const name of parameters.keys()) {
    if (!known.includes(name))
      refuseOption('url', `with no parameter but ${known.join(', ')}`, 'another')
    if (parameters.getAll(name).length > 1) refuseOption('url', `with one \`${name}\``, 'several')
  }
  return [at < 0 ? text : text.slice(0, at), parameters]
}
