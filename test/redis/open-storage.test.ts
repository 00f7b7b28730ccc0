import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Manager, openStorage, type StorageFile, StorageMemory } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './servers/free-port.ts'
import { countCommands, type RedisServer, startServer } from './servers/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'gsession-open-'))
let server: RedisServer

beforeAll(async () => {
  server = await startServer({ password: 'p@ss' })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const redisUrl = (scheme: string, rest: string): string =>
  `${scheme}://:p%40ss@${server.host}:${server.port}${rest}`

/** What a session keeps in a storage, and a second session finds there. */
async function roundTrip(url: string): Promise<unknown> {
  await using manager = new Manager({ storage: await openStorage(url) })
  const session = manager.new()
  await session.set('name', 'Ada')
  await session.close()
  return manager.new(await session.id()).get('name')
}

describe('openStorage', () => {
  it('opens memory, with or without a limit', async () => {
    expect(await openStorage('memory:')).toBeInstanceOf(StorageMemory)
    expect(await openStorage('memory:?maxSessions=5')).toBeInstanceOf(StorageMemory)
    expect(await roundTrip('memory:')).toBe('Ada')
  })

  it.each(['file:', 'file://'])('opens a folder by its whole path (%s)', async start => {
    const path = join(folder, `of ${start.length}`)
    const storage = await openStorage(start + path.replace(' ', '%20'))
    expect(storage).toMatchObject({ path })
    expect(existsSync(path)).toBe(true)
    expect(await roundTrip(`${start}${path}?durability=power`)).toBe('Ada')
  })

  it('opens a folder below the current one', async () => {
    const storage = await openStorage('file:./node_modules/.sessions')
    expect((storage as StorageFile).path).toBe(join(process.cwd(), 'node_modules/.sessions'))
    rmSync('node_modules/.sessions', { recursive: true })
  })

  it.each([
    ['redis', StorageRedis],
    ['redis+hash', StorageRedisHashTable],
  ])('connects to Redis, and disconnects when it is closed (%s)', async (scheme, Kind) => {
    const url = redisUrl(scheme, '/3?prefix=app:&timeout=500ms')
    const storage = await openStorage(url)
    expect(storage).toBeInstanceOf(Kind)
    expect(storage).toMatchObject({ timeout: 500 })
    await storage.close?.()

    const seen = await countCommands(server, async () => {
      expect(await roundTrip(url)).toBe('Ada')
    })
    const written = seen.filter(({ args }) => /^(?:set|evalsha|eval)$/i.test(args[0] ?? ''))
    expect(written.map(({ database }) => database)).toContain(3)
    expect(written.every(({ args }) => args.some(arg => arg.startsWith('app:')))).toBe(true)
  })

  it('says so when Redis cannot be reached', async () => {
    const url = `redis://127.0.0.1:${await freePort()}?prefix=app:&timeout=200ms`
    await expect(openStorage(url)).rejects.toMatchObject({ code: 'ERR_STORAGE' })
  })

  it.each([
    '',
    'redis',
    'mysql://localhost',
    'memory:more',
    'memory:?max=5',
    'memory:?maxSessions=none',
    'file://host/path',
    'file:./sessions?mode=700',
    'file:./sessions?durability=maybe',
    'file:./%zz',
    'redis://localhost',
    'redis://localhost?prefix=',
    'redis://localhost?prefix=a:&prefix=b:',
    'redis://localhost?prefix=a:&ttl=5',
    'redis://localhost?prefix=a:&timeout=soon',
    'redis://localhost/zero?prefix=a:',
    'redis://localhost/0?prefix=a:#b',
    'redis://local host?prefix=a:',
    'REDIS://localhost?prefix=a:',
  ])('refuses %j', async url => {
    await expect(openStorage(url)).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })

  it.each([
    'redis://:s3cr%et@127.0.0.1:1?prefix=a:',
    'redis://:s3cr%zzet@127.0.0.1:1?prefix=a:',
    'redis://:s3cr@et@127.0.0.1:PORT?prefix=a:&timeout=300ms',
    'redis://user:s3cret@127.0.0.1:PORT?prefix=a:&timeout=300ms',
    'redis://user:s3cret@127.0.0.1:99999?prefix=a:',
    'redis://user:s3cret@127.0.0.1:port?prefix=a:',
    'redis://user:s3cr/et@127.0.0.1:1?prefix=a:',
    'redis://user:s3cr?et@127.0.0.1:1?prefix=a:',
    'redis://user:s3cr#et@127.0.0.1:1?prefix=a:',
    'redis://user:s3cr et@local host:1?prefix=a:',
    'redis+hash://user:s3cret@local host:1?prefix=a:',
    'rediss://user:s3cret@127.0.0.1:PORT?prefix=a:&timeout=300ms',
    'rediss+hash://user:s3cret@127.0.0.1:PORT?prefix=a:&timeout=300ms',
    'redis+unix://user:s3cret@/run/redis.sock?prefix=a:',
    'unix://user:s3cret@/run/redis.sock?prefix=a:',
    'redis:user:s3cret@127.0.0.1:1?prefix=a:',
    's3cret@127.0.0.1',
    's3cret:x@127.0.0.1',
    './s3cret',
    'redis://u:s3cret@SERVER?prefix=a:',
    'redis://u:p@SERVER?prefix=a:&s3cret=1',
    'memory:?maxSessions=s3cret',
  ])('tells nobody what may be a password: %s', async pattern => {
    const url = pattern
      .replace('PORT', String(await freePort()))
      .replace('SERVER', `${server.host}:${server.port}`)
    const error = await openStorage(url).catch(reason => reason)
    expect(['ERR_OPTION', 'ERR_STORAGE']).toContain(error.code)
    const shown = inspect(error, { depth: 20, showHidden: true })
    for (const part of ['s3cr', 'et@']) expect(shown).not.toContain(part)
  })

  it('tells nobody the password', async () => {
    for (const url of [redisUrl('redis', '/x?prefix=a:'), redisUrl('redis', '/0?pre=a:')]) {
      const error = await openStorage(url).catch((caught: Error) => caught)
      expect(String((error as Error).stack)).not.toMatch(/p%40ss|p@ss/)
    }
  })
})
