import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goframe, Manager, newSessionId, StorageFile } from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { splitObject } from '../../src/core/json.ts'
import { goframeCipher } from '../../src/storages/goframe-cipher.ts'
import { connect } from '../fixtures/redis-lab.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { bytesOf, RECORDINGS, VALUES } from './recordings.ts'

const ID = newSessionId()
const PREFIX = 'recorded:'
const MINUTE = 60_000
const preset = goframe({ prefix: PREFIX })

let server: RedisServer
let connected: Connected

beforeAll(async () => {
  server = await startServer()
  connected = await connect(server)
})
afterAll(async () => {
  connected.close()
  await server.close()
})

function openFiles(path: string, crypto: boolean): Manager {
  const { manager, file } = goframe({ path, crypto })
  const opened = new Manager({ ...manager, storage: new StorageFile(file) })
  onTestFinished(() => opened.close())
  return opened
}

function openRedis(Kind: typeof StorageRedis | typeof StorageRedisHashTable): Manager {
  const storage = new Kind({ ...preset.redis, client: connected.client })
  return new Manager({ ...preset.manager, storage })
}

/** The recorded file, used now. */
function putFile(folder: string, recorded: string | undefined): void {
  const bytes = Buffer.from(bytesOf(recorded))
  bytes.writeBigInt64LE(BigInt(Date.now()), 0)
  writeFileSync(join(folder, `${ID}.session`), bytes)
}

function membersIn(folder: string, crypto: boolean): Map<string, string> {
  const bytes = readFileSync(join(folder, `${ID}.session`)).subarray(8)
  const json = crypto ? goframeCipher.decrypt(bytes, Buffer.alloc(8), ID) : bytes
  return splitObject(json?.toString() ?? '')
}

async function change(manager: Manager): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const session = manager.new(ID)
    await session.set('ours', round)
    await session.update('alsoOurs', () => [round])
    await session.close()
  }
  const session = manager.new(ID)
  await session.remove('ours', 'alsoOurs')
  await session.close()
}

describe.each(RECORDINGS)('what GoFrame $goframe wrote', recording => {
  const names = Object.keys(recording.files)

  it('is there for every case, in every storage but the empty hash', () => {
    expect(names.length).toBeGreaterThan(VALUES.size)
    expect(Object.keys(recording.crypted)).toEqual(names)
    expect(Object.keys(recording.strings)).toEqual(names)
    expect(Object.keys(recording.hashes)).toEqual(names.filter(name => name !== 'empty'))
  })

  describe.each([
    ['a file', false],
    ['an encrypted file', true],
  ])('in %s', (_kind, crypto) => {
    const files = crypto ? recording.crypted : recording.files

    it('reads as documented, each type of Go', async () => {
      const folder = tempFolder()
      putFile(folder, files['all'])
      const data = await openFiles(folder, crypto).new(ID).data()
      expect(new Map(Object.entries(data))).toEqual(VALUES)
    })

    it.each(names)('comes back as it was, once this side changed other keys: %s', async name => {
      const folder = tempFolder()
      putFile(folder, files[name])
      const before = membersIn(folder, crypto)
      await change(openFiles(folder, crypto))
      expect(membersIn(folder, crypto)).toEqual(before)
    })
  })

  it('in a Redis string reads as documented', async () => {
    await putString(recording.strings['all'])
    const data = await openRedis(StorageRedis).new(ID).data()
    expect(new Map(Object.entries(data))).toEqual(VALUES)
  })

  it.each(names)('comes back in a Redis string as it was: %s', async name => {
    await putString(recording.strings[name])
    const before = splitObject(bytesOf(recording.strings[name]).toString())
    await change(openRedis(StorageRedis))
    const after = splitObject(String(await server.call('GET', PREFIX + ID)))
    for (const key of after.keys()) if (key.startsWith('__gsession')) after.delete(key)
    expect(after).toEqual(before)
  })

  it('in a hash is strings, as GoFrame itself reads it', async () => {
    await putHash(recording.hashes['all'] ?? {})
    const session = openRedis(StorageRedisHashTable).new(ID)
    for (const [key, base64] of Object.entries(recording.hashes['all'] ?? {})) {
      expect(await session.get(key), key).toBe(bytesOf(base64).toString())
    }
    expect(await session.size()).toBe(VALUES.size)
  })

  it.each(Object.keys(recording.hashes))('comes back in a hash as it was: %s', async name => {
    const fields = recording.hashes[name] ?? {}
    await putHash(fields)
    await change(openRedis(StorageRedisHashTable))
    for (const [field, base64] of Object.entries(fields)) {
      const hex = await server.call('EVAL', READ_HEX, 1, PREFIX + ID, field)
      expect(hex, field).toBe(bytesOf(base64).toString('hex'))
    }
  })
})

async function putString(base64: string | undefined): Promise<void> {
  await server.call('SET', PREFIX + ID, bytesOf(base64).toString(), 'PX', MINUTE)
}

/** As hexadecimal, since fields need not be UTF-8. */
async function putHash(fields: Readonly<Record<string, string>>): Promise<void> {
  await server.call('DEL', PREFIX + ID)
  for (const [field, base64] of Object.entries(fields)) {
    const hex = bytesOf(base64).toString('hex')
    await server.call('EVAL', WRITE_HEX, 1, PREFIX + ID, field, hex, MINUTE)
  }
}

const WRITE_HEX = `
local value = string.gsub(ARGV[2], '..', function(digits) return string.char(tonumber(digits, 16)) end)
redis.call('hset', KEYS[1], ARGV[1], value)
redis.call('pexpire', KEYS[1], ARGV[3])`

const READ_HEX = `
local value = redis.call('hget', KEYS[1], ARGV[1])
return (string.gsub(value, '.', function(char) return string.format('%02x', string.byte(char)) end))`
